// Intake alone, on the embedded log and store.
#include "common/embedded/embedded.h"
#include "services/intake/service.h"

int main(int argc, char** argv) {
  return porchlight::EmbeddedMain(argc, argv, {porchlight::IntakeModule()});
}
