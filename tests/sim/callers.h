// The people and systems that call the edges: they report, repeat themselves, use a request id for
// something else, record returns, replay dead letters, and ask until they know what came of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/process.h"

namespace porchlight::sim {

class Callers {
 public:
  explicit Callers(Environment& environment) : environment_(environment) {}

  // One call through this process: something new, or a repetition.
  void Call(Process& process);
  // One change of the directory through this process of its service.
  void ChangeDirectory(Process& process, v1::ChangeDirectoryRequest change);
  // Looks whether an answer has come.
  void Look();
  // After the faults: a report and a drill that must reach everybody.
  void ReportOnceMore(Process& process);
  // Repeats every call of this process's service whose answer nobody heard. True if there were any.
  bool RepeatUntold(Process& process);
  // A request id; empty: everybody heard.
  std::string FirstUntold() const;
  // Whether somebody waits for an answer of this service.
  bool WaitsFor(const std::string& service) const;

 private:
  struct Request {
    std::string service;
    Command command;
    std::shared_ptr<google::protobuf::Message> payload;
    std::shared_ptr<google::protobuf::Message> reply;
    bool told = false;
    // Where its answer is waited for; null: nowhere.
    Process* process = nullptr;
    int life = 0;
  };

  void NewReport(Process& process, bool exercise, const std::string& youth_id);
  void NewReturn();
  void NewAddition();
  void NewClosing();
  void NewYouth();
  void NewJoining();
  void NewReplay();
  void NewFiling();
  void NewRefusal();
  void OtherContent(const Request& request);
  void Submit(Request& request, Process& process);
  void Heard(Request& request, const v1::RememberedOutcome& outcome);
  // What the rules of intake are told of the youth; the edge adds nothing to it.
  void AddIntakeRequest(std::shared_ptr<google::protobuf::Message> payload,
                        std::shared_ptr<google::protobuf::Message> reply,
                        const std::string& youth_id);
  void AddNotificationRequest(std::shared_ptr<google::protobuf::Message> payload,
                              std::shared_ptr<google::protobuf::Message> reply,
                              const std::string& request_id, const std::string& episode_id);
  // Of an event so far; now and then of none.
  std::string SomeEpisode() const;
  std::string RequestId() const;
  std::string Text(const std::string& field) const;

  Environment& environment_;
  std::vector<Request> requests_;
  size_t directory_changes_ = 0;  // of those requests
};

}  // namespace porchlight::sim
