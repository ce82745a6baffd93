#include "services/porchlight/screening_commands.h"

#include <memory>

#include "porchlight/v1/screening.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/change_options.h"

namespace porchlight {
namespace {

void PrintTasks(const std::string& episode_id,
                const google::protobuf::RepeatedPtrField<v1::ScreeningTask>& tasks,
                std::vector<std::vector<std::string>>& rows) {
  for (const v1::ScreeningTask& task : tasks) {
    rows.push_back({episode_id, task.rule_id(),
                    Word("DUTY_STATE_", v1::DutyState_Name(task.state())),
                    TimeText(task.has_due_at(), task.due_at()),
                    TimeText(task.has_met_at(), task.met_at()), task.reason()});
  }
}

void PrintRows(const std::vector<std::vector<std::string>>& rows) {
  PrintTable({"EPISODE", "TASK", "STATE", "DUE", "DONE", "NOTE"}, rows);
}

void AskForDecision(const std::string& episode_id) {
  std::cout << "A CLEAR CONCERN IS ON RECORD FOR " << episode_id
            << ": a person must decide now. Nothing was told to anybody yet.\n"
            << "  porchlight screening identify " << episode_id
            << " --decision identified --by WORKER-ID\n"
            << "  porchlight screening identify " << episode_id
            << " --decision not-identified --by WORKER-ID\n";
}

struct TaskListOptions {
  ServerOptions server;
  v1::ListScreeningsRequest request;
};

// Every page.
absl::Status ListAll(TaskListOptions& options, v1::ListScreeningsReply& all) {
  const auto stub = v1::Screening::NewStub(Connect(options.server, "screening"));
  options.request.set_page_size(500);
  do {
    v1::ListScreeningsReply page;
    const absl::Status status =
        Call(options.server, *stub, &v1::Screening::Stub::ListScreenings, options.request, page);
    if (!status.ok()) return status;
    options.request.set_page_token(page.next_page_token());
    all.mutable_screenings()->MergeFrom(page.screenings());
  } while (!options.request.page_token().empty());
  return absl::OkStatus();
}

int List(TaskListOptions& options) {
  v1::ListScreeningsReply reply;
  if (absl::Status status = ListAll(options, reply); !status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::ScreeningState& screening : reply.screenings()) {
    if (screening.decision_awaited()) AskForDecision(screening.episode().episode_id());
    PrintTasks(screening.episode().episode_id(), screening.tasks(), rows);
  }
  if (rows.empty()) {
    std::cout << (options.request.episode_id().empty()
                      ? "Nothing is open. --all shows what is done too.\n"
                      : "No return of this episode is known here yet, so nothing is to be done. If "
                        "one was "
                        "recorded just now, ask again in a moment.\n");
    return kDone;
  }
  PrintRows(rows);
  return kDone;
}

void AddTasks(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<TaskListOptions>();
  CLI::App* list = app.add_subcommand("list", "What is to be done after returns, and by when");
  AddServerOptions(*list, options->server);
  list->add_option("--episode,episode", *options->request.mutable_episode_id(),
                   "One episode; without it, all that have something open");
  list->add_flag_callback(
      "--all", [options] { options->request.set_include_done(true); }, "Also what is done");
  list->footer("Example: porchlight screening list y-100_e1");
  list->callback([options, &exit_code] { exit_code = List(*options); });
}

template <typename Request>
int Submit(Change<Request>& change,
           grpc::Status (v1::Screening::Stub::*method)(grpc::ClientContext*, const Request&,
                                                       v1::ScreeningReply*),
           const std::string& done) {
  FinishRequest(change.request);
  const auto stub = v1::Screening::NewStub(Connect(change.server, "screening"));
  v1::ScreeningReply reply;
  const absl::Status status = Call(change.server, *stub, method, change.request, reply);
  if (!status.ok()) return Fail(status);
  if (change.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << done << "\n";
  PrintWarnings(reply);
  if (reply.decision_awaited()) AskForDecision(reply.episode_id());
  std::vector<std::vector<std::string>> rows;
  PrintTasks(reply.episode_id(), reply.tasks(), rows);
  if (!rows.empty()) PrintRows(rows);
  return kDone;
}

// The command with the options that all have.
template <typename Request>
CLI::App* AddChange(CLI::App& app, const std::string& name, const std::string& help,
                    Change<Request>& change) {
  CLI::App* command = app.add_subcommand(name, help);
  AddServerOptions(*command, change.server);
  command->add_option("--episode,episode", *change.request.mutable_episode_id(), "The episode's id")
      ->required();
  AddActor(*command, change.request);
  return command;
}

void AddDefer(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::DeferScreeningRequest>>();
  change->time.flag = "--until";
  v1::DeferScreeningRequest& request = change->request;
  CLI::App* command =
      AddChange(app, "defer", "Put a task off, as a trained person judges right", *change);
  command->add_option("--task", *request.mutable_task_id(),
                      "As list names it; without it, the screening");
  command->add_option("--reason", *request.mutable_reason(), "Why; it is kept")->required();
  AddTime(*command, change->time, "The new date");
  command->get_option("--until")->required();
  command
      ->add_option("--approver", *request.mutable_approver_id(),
                   "Worker id of the person who approved it")
      ->required();
  command->footer(
      "Example: porchlight screening defer y-100_e1 --reason \"asleep after a long night\" --until "
      "\"2026-11-24 10:00\"\n         --approver worker-7");
  command->callback([change, &exit_code] {
    const absl::Status set = SetTime(change->time, [&] { return change->request.mutable_until(); });
    exit_code =
        set.ok() ? Submit(*change, &v1::Screening::Stub::DeferScreening, "Put off.") : Fail(set);
  });
}

void AddComplete(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::CompleteScreeningRequest>>();
  change->time.flag = "--at";
  v1::ScreeningResult& result = *change->request.mutable_result();
  CLI::App* command =
      AddChange(app, "complete", "Record a screening: its result, never its questions", *change);
  command->add_option("--tool", *result.mutable_tool_id(), "Such as cse-it")->required();
  command->add_option("--tool-version", *result.mutable_tool_version(), "Such as 2.0")->required();
  command->add_option("--screener", *result.mutable_screener_id(), "The screener's worker id")
      ->required();
  command
      ->add_option("--training", *result.mutable_screener_training(),
                   "The screener's training in the tool")
      ->required();
  AddChoice<v1::ScreeningBand>(*command, "--band", "Concern that the result expresses",
                               [&result](v1::ScreeningBand band) { result.set_band(band); })
      ->required();
  command
      ->add_option_function<std::vector<std::string>>(
          "--source",
          [&result](const std::vector<std::string>& typed) {
            for (const std::string& word : typed)
              result.add_sources(FromTypedWord<v1::ScreeningSource>(word));
          },
          "What the screener drew on; may be given again")
      ->allow_extra_args(false)
      ->check(CLI::IsMember(TypedWords<v1::ScreeningSource>()));
  AddChoice<v1::ScreeningNextStep>(
      *command, "--next-step", "What follows",
      [&result](v1::ScreeningNextStep step) { result.set_next_step(step); });
  AddTime(*command, change->time, "When it was completed; without it, now");
  command->footer(
      "Example: porchlight screening complete y-100_e1 --tool cse-it --tool-version 2.0 --screener "
      "worker-7\n         --training \"vendor course 2026\" --band possible --source case-file");
  command->callback([change, &exit_code] {
    const absl::Status set = SetTime(
        change->time, [&] { return change->request.mutable_result()->mutable_completed_at(); });
    exit_code =
        set.ok() ? Submit(*change, &v1::Screening::Stub::CompleteScreening, "Screening recorded.")
                 : Fail(set);
  });
}

void AddInterview(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::RecordInterviewRequest>>();
  change->time.flag = "--at";
  v1::ReturnInterview& interview = *change->request.mutable_interview();
  CLI::App* command = AddChange(app, "interview", "Record the talk after the return", *change);
  command
      ->add_option("--interviewer", *interview.mutable_interviewer_id(),
                   "The interviewer's worker id")
      ->required();
  command->add_option("--reasons", *interview.mutable_reasons(),
                      "What led to the absence, in the youth's view");
  command->add_option("--experiences", *interview.mutable_experiences(), "What happened during it");
  command->add_option("--placement-factors", *interview.mutable_placement_factors(),
                      "What the current or next placement should heed");
  command->add_flag_callback(
      "--crime-told", [change] { change->request.mutable_interview()->set_crime_told(true); },
      "It told of a crime against the youth");
  AddTime(*command, change->time, "When it was held; without it, now");
  command->footer(
      "Example: porchlight screening interview y-100_e1 --interviewer worker-7 --reasons \"wanted "
      "to "
      "see a sister\"");
  command->callback([change, &exit_code] {
    const absl::Status set = SetTime(
        change->time, [&] { return change->request.mutable_interview()->mutable_held_at(); });
    exit_code = set.ok()
                    ? Submit(*change, &v1::Screening::Stub::RecordInterview, "Interview recorded.")
                    : Fail(set);
  });
}

void AddExposure(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::RecordExposureRequest>>();
  change->time.flag = "--last-at";
  CLI::App* command = AddChange(
      app, "exposure", "An assault or exposure is possible: begins the medical windows", *change);
  AddTime(*command, change->time, "The last one; without it, windows count from the return");
  command->footer("Example: porchlight screening exposure y-100_e1 --last-at \"2026-11-21 23:00\"");
  command->callback([change, &exit_code] {
    const absl::Status set =
        SetTime(change->time, [&] { return change->request.mutable_last_exposure_at(); });
    exit_code =
        set.ok() ? Submit(*change, &v1::Screening::Stub::RecordExposure, "Recorded.") : Fail(set);
  });
}

void AddMedical(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::RecordMedicalOfferRequest>>();
  change->time.flag = "--at";
  v1::MedicalOffer& offer = *change->request.mutable_offer();
  CLI::App* command =
      AddChange(app, "medical", "Record a medical offer, and the youth's answer", *change);
  command->add_option("--task", *offer.mutable_task_id(), "As list names it, such as medical-hiv")
      ->required();
  AddChoice<v1::MedicalAnswer>(*command, "--answer", "offered: the youth hasn't answered yet",
                               [&offer](v1::MedicalAnswer answer) { offer.set_answer(answer); })
      ->required();
  command->add_option("--by", *offer.mutable_offered_by_id(), "Worker id of who offered it")
      ->required();
  AddTime(*command, change->time, "When it was offered; without it, now");
  command->footer(
      "Example: porchlight screening medical y-100_e1 --task medical-hiv --answer accepted --by "
      "worker-7");
  command->callback([change, &exit_code] {
    const absl::Status set = SetTime(
        change->time, [&] { return change->request.mutable_offer()->mutable_offered_at(); });
    exit_code = set.ok() ? Submit(*change, &v1::Screening::Stub::RecordMedicalOffer,
                                  "Medical offer recorded.")
                         : Fail(set);
  });
}

void AddPhoto(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::RecordReturnPhotoRequest>>();
  change->time.flag = "--at";
  CLI::App* command =
      AddChange(app, "photo", "Record that a new photo was taken after the return", *change);
  command->add_option("--new-marks", *change->request.mutable_photo()->mutable_new_marks(),
                      "Marks and tattoos that are new");
  AddTime(*command, change->time, "When it was taken; without it, now");
  command->footer("Example: porchlight screening photo y-100_e1 --new-marks \"scar, left hand\"");
  command->callback([change, &exit_code] {
    const absl::Status set =
        SetTime(change->time, [&] { return change->request.mutable_photo()->mutable_taken_at(); });
    exit_code = set.ok()
                    ? Submit(*change, &v1::Screening::Stub::RecordReturnPhoto, "Photo recorded.")
                    : Fail(set);
  });
}

void AddIdentify(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::IdentifyVictimRequest>>();
  change->time.flag = "--at";
  v1::IdentifyVictimRequest& request = change->request;
  CLI::App* command =
      AddChange(app, "identify",
                "Record a person's decision whether the youth is a victim of trafficking", *change);
  AddChoice<v1::IdentificationDecision>(
      *command, "--decision", "What the person decided",
      [&request](v1::IdentificationDecision decision) { request.set_decision(decision); })
      ->required();
  command->add_option("--by", *request.mutable_decided_by_id(), "Worker id of who decided it")
      ->required();
  command->add_option("--ground", *request.mutable_ground(), "On what");
  AddTime(*command, change->time, "When it was decided; without it, now");
  command->footer(
      "\"identified\" begins the report to police and the call to the team.\n"
      "Example: porchlight screening identify y-100_e1 --decision identified --by worker-7");
  command->callback([change, &exit_code] {
    const absl::Status set =
        SetTime(change->time, [&] { return change->request.mutable_decided_at(); });
    exit_code = set.ok()
                    ? Submit(*change, &v1::Screening::Stub::IdentifyVictim, "Decision recorded.")
                    : Fail(set);
  });
}

}  // namespace

void AddScreeningCommands(CLI::App& app, int& exit_code) {
  CLI::App* screening = app.add_subcommand(
      "screening", "After a return: screening, interview, medical offers, photo, decision");
  screening->require_subcommand(1);
  AddTasks(*screening, exit_code);
  AddDefer(*screening, exit_code);
  AddComplete(*screening, exit_code);
  AddInterview(*screening, exit_code);
  AddExposure(*screening, exit_code);
  AddMedical(*screening, exit_code);
  AddPhoto(*screening, exit_code);
  AddIdentify(*screening, exit_code);
}

}  // namespace porchlight
