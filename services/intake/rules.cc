#include "services/intake/rules.h"
