#include "services/porchlight/all_services.h"

#include "services/directory/service.h"
#include "services/intake/service.h"
#include "services/mdt/service.h"
#include "services/notification/service.h"
#include "services/oncall/service.h"
#include "services/screening/service.h"

namespace porchlight {

std::vector<ServiceModule> AllServices() {
  return {DirectoryModule(), IntakeModule(), NotificationModule(),
          ScreeningModule(), MdtModule(),    OncallModule()};
}

}  // namespace porchlight
