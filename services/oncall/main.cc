// The on-call service alone, on the embedded log and store.
#include "common/embedded/embedded.h"
#include "services/oncall/service.h"

int main(int argc, char** argv) {
  return porchlight::EmbeddedMain(argc, argv, {porchlight::OncallModule()});
}
