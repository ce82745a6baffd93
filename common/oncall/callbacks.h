// What people answer from outside: the link of a page, the reply to a text message, the key pressed
// in a call. Only a POST acknowledges, since mail scanners open every link; a telephone provider's
// callback counts only with its signature. All are harmless to repeat.
#pragma once

#include <string>

#include "common/edge/service.h"
#include "common/http/http_router.h"

namespace porchlight {

struct CallbackTokens {
  // Of the provider's accounts; empty: no callback is believed.
  std::string sms_auth_token = {};
  std::string voice_auth_token = {};
};

// Of the files that the configuration names.
CallbackTokens ReadCallbackTokens(const Config& config);

// Adds /acknowledge/TOKEN, /callbacks/sms, /callbacks/voice/TOKEN and, for what became of a message
// or call, /twilio/status.
void AddCallbacks(const EdgePorts& ports, CallbackTokens tokens, HttpRouter& routes);

}  // namespace porchlight
