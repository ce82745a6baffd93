// The directory alone, on the embedded log and store.
#include "common/embedded/embedded.h"
#include "services/directory/service.h"

int main(int argc, char** argv) {
  return porchlight::EmbeddedMain(argc, argv, {porchlight::DirectoryModule()});
}
