#include "services/intake/service.h"
