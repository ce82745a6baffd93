#include "services/porchlight/oncall_commands.h"

#include <algorithm>
#include <memory>

#include "common/base/time.h"
#include "porchlight/v1/oncall.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/change_options.h"

namespace porchlight {
namespace {

constexpr uint32_t kPageSize = 500;

// "overdue" where it is late; what it waits for is shown with what it is.
std::string StateText(const v1::DutyStatus& duty) {
  const std::string state = Word("DUTY_STATE_", v1::DutyState_Name(duty.state()));
  if (duty.state() == v1::DUTY_STATE_OPEN) return duty.late() ? "OVERDUE" : "open";
  return duty.late() ? absl::StrCat(state, " late") : state;
}

std::string WhatText(const v1::DutyStatus& duty) {
  std::string what = duty.title();
  if (duty.recipient() != v1::RECIPIENT_KIND_UNSPECIFIED)
    absl::StrAppend(&what, " (", PlainWord(duty.recipient()), ")");
  return what;
}

}  // namespace

void PrintDuties(const v1::ListDutiesReply& reply, bool with_episode) {
  if (reply.duties().empty()) {
    std::cout << "Nothing is to be done.\n";
    return;
  }
  std::vector<std::string> header = {"DUE", "STATE", "WHAT", "DUTY", "LAW"};
  if (with_episode) header.insert(header.begin(), "EPISODE");
  std::vector<std::vector<std::string>> rows;
  for (const v1::DutyStatus& duty : reply.duties()) {
    rows.push_back({TimeText(duty.has_due_at(), duty.due_at()), StateText(duty),
                    Short(WhatText(duty), with_episode ? 22 : 30), Short(duty.duty_id(), 28),
                    duty.citation()});
    if (with_episode) rows.back().insert(rows.back().begin(), Short(duty.episode_id(), 20));
  }
  PrintTable(header, rows);
  const auto overdue = std::count_if(
      reply.duties().begin(), reply.duties().end(),
      [](const auto& duty) { return duty.state() == v1::DUTY_STATE_OPEN && duty.late(); });
  if (overdue > 0) std::cout << overdue << " overdue.\n";
}

namespace {

void SortByDue(v1::ListDutiesReply& reply) {
  const auto due = [](const v1::DutyStatus& duty) {
    return duty.has_due_at() ? FromProto(duty.due_at()) : absl::InfiniteFuture();
  };
  std::stable_sort(reply.mutable_duties()->begin(), reply.mutable_duties()->end(),
                   [&](const auto& a, const auto& b) { return due(a) < due(b); });
}

// Every page.
template <typename Request, typename Reply>
absl::Status ListAll(const ServerOptions& server, Request& request, Reply& all,
                     grpc::Status (v1::Oncall::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Reply*)) {
  const auto stub = v1::Oncall::NewStub(Connect(server, "oncall"));
  request.set_page_size(kPageSize);
  do {
    Reply page;
    const absl::Status status = Call(server, *stub, method, request, page);
    if (!status.ok()) return status;
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

struct DutiesOptions {
  ServerOptions server;
  v1::ListDutiesRequest request;
};

int Duties(DutiesOptions& options) {
  v1::ListDutiesReply reply;
  const absl::Status status =
      ListAll(options.server, options.request, reply, &v1::Oncall::Stub::ListDuties);
  if (!status.ok()) return Fail(status);
  SortByDue(reply);
  if (options.server.json) {
    PrintJson(reply);
  } else {
    PrintDuties(reply, options.request.episode_id().empty());
  }
  return kDone;
}

// Who was woken, and whether anybody answered.
std::string PagedText(const v1::Alert& alert) {
  if (!alert.answers().empty()) {
    const v1::AlertAnswer& answer = *alert.answers().rbegin();
    return absl::StrCat(answer.person_id(), " has it since ", TimeText(true, answer.answered_at()));
  }
  if (alert.pages().empty()) return "NOBODY CAN BE REACHED";
  const v1::AlertPage& page = *alert.pages().rbegin();
  return absl::StrCat(
      "paged ", page.person_id(), page.level() == 0 ? "" : absl::StrCat(", level ", page.level()),
      alert.has_next_page_at() ? absl::StrCat(", next ", TimeText(true, alert.next_page_at()))
                               : "");
}

void PrintAlert(const v1::Alert& alert) {
  std::cout << (alert.exercise() ? "[EXERCISE] " : "") << alert.alert_id() << "  "
            << Word("ALERT_STATE_", v1::AlertState_Name(alert.state())) << ", "
            << TimeText(true, alert.made_at());
  if (!alert.reason().empty()) std::cout << " (" << alert.reason() << ")";
  std::cout << "\n  " << alert.text() << "\n  " << PagedText(alert) << "\n";
}

struct AlertsOptions {
  ServerOptions server;
  v1::ListAlertsRequest request;
};

int Alerts(AlertsOptions& options) {
  v1::ListAlertsReply reply;
  const absl::Status status =
      ListAll(options.server, options.request, reply, &v1::Oncall::Stub::ListAlerts);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  if (reply.alerts().empty()) std::cout << "No alert is open.\n";
  for (const v1::Alert& alert : reply.alerts()) PrintAlert(alert);
  return kDone;
}

struct AckOptions {
  ServerOptions server;
  v1::AcknowledgeAlertRequest request;
};

int Ack(AckOptions& options) {
  FinishRequest(options.request);
  const auto stub = v1::Oncall::NewStub(Connect(options.server, "oncall"));
  v1::AcknowledgeAlertReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Oncall::Stub::AcknowledgeAlert, options.request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "Recorded.\n";
  PrintWarnings(reply);
  PrintAlert(reply.alert());
  return kDone;
}

void AddAck(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<AckOptions>();
  options->request.set_how(v1::REACHED_BY_COMMAND_LINE);
  v1::AcknowledgeAlertRequest& request = options->request;
  CLI::App* ack = app.add_subcommand("ack", "Somebody has it: nobody else is woken for this alert");
  AddServerOptions(*ack, options->server);
  ack->add_option("--alert,alert", *request.mutable_alert_id(), "As `oncall alerts` names it")
      ->required();
  ack->add_option("--person", *request.mutable_person_id(), "Worker id of who has it")->required();
  AddChoice<v1::ReachedBy>(*ack, "--how", "How they said so; without it, by this command",
                           [&request](v1::ReachedBy how) { request.set_how(how); });
  AddActor(*ack, request);
  ack->footer("Example: porchlight ack y-100_a1 --person worker-11 --how phone");
  ack->callback([options, &exit_code] { exit_code = Ack(*options); });
}

}  // namespace

void AddOncallCommands(CLI::App& app, int& exit_code) {
  auto duties = std::make_shared<DutiesOptions>();
  CLI::App* list = app.add_subcommand(
      "duties", "What the law and the agency want done, by when, and what proves it");
  AddServerOptions(*list, duties->server);
  list->add_option("--episode,episode", *duties->request.mutable_episode_id(),
                   "One episode; without it, all that is still to be done");
  list->add_flag_callback(
      "--all", [duties] { duties->request.set_include_all(true); },
      "Also what doesn't apply; without an episode, also what is done");
  list->footer("Example: porchlight duties --episode y-100_e1");
  list->callback([duties, &exit_code] { exit_code = Duties(*duties); });

  auto alerts = std::make_shared<AlertsOptions>();
  CLI::App* open = app.get_subcommand("oncall")->add_subcommand(
      "alerts", "What people were woken for, and who has it");
  AddServerOptions(*open, alerts->server);
  open->add_option("--episode,episode", *alerts->request.mutable_episode_id(),
                   "One episode, also those that are over; without it, all that are open");
  open->footer("Example: porchlight oncall alerts --episode y-100_e1");
  open->callback([alerts, &exit_code] { exit_code = Alerts(*alerts); });
  AddAck(app, exit_code);
}

}  // namespace porchlight
