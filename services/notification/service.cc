#include "services/notification/service.h"
