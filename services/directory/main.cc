// The directory in a process of its own: on a cluster, or alone on a folder.
#include "common/program/program.h"
#include "services/directory/service.h"

int main(int argc, char** argv) {
  return porchlight::ServiceMain(argc, argv, {porchlight::DirectoryModule()});
}
