// Screening alone, on the embedded log and store.
#include "common/embedded/embedded.h"
#include "services/screening/service.h"

int main(int argc, char** argv) {
  return porchlight::EmbeddedMain(argc, argv, {porchlight::ScreeningModule()});
}
