#include "services/notification/rules.h"
