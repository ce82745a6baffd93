// `make bench`: measures the real server with real clients, on this machine's disk, and prints what
// the README says. It judges nothing: the numbers of a machine are its own.
#include <signal.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/bench/bench.h"
#include "tests/bench/server.h"

namespace porchlight::bench {
namespace {

constexpr size_t kMarkersMax = 2'000'000;

int Main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  std::string folder = BINARY_DIR "/bench-data";
  std::string program = BINARY_DIR "/porchlight";
  std::vector<int> rates = {50, 200, 500, 1000};
  int seconds = 8;
  size_t open_episodes = 100'000;
  size_t burst = 20'000;
  size_t pending = 0;
  std::string only;
  std::string pending_bytes;
  CLI::App app("Measures `porchlight serve`.");
  app.add_option("--folder", folder, "For the data, emptied first; on the disk to be measured")
      ->capture_default_str();
  app.add_option("--program", program, "The binary to be measured")->capture_default_str();
  app.add_option("--rates", rates, "Reports per second")->capture_default_str();
  app.add_option("--seconds", seconds, "Of each measurement")->capture_default_str();
  app.add_option("--burst", burst, "Reports as fast as possible")->capture_default_str();
  app.add_option("--open-episodes", open_episodes, "Held while measuring, against 1000")
      ->capture_default_str();
  app.add_flag_callback(
      "--full", [&] { open_episodes = pending = 1'000'000; },
      "With 1,000,000 open episodes, and as many deadlines; takes an hour and 40 GB of disk");
  app.add_option("--only", only, "One part")
      ->check(CLI::IsMember({"steady", "held", "deadlines", "silence", "cluster"}));
  app.add_option("--pending-bytes", pending_bytes)->group("");
  CLI11_PARSE(app, argc, argv);
  if (!pending_bytes.empty()) return PrintPendingBytes(pending_bytes);

  folder = std::filesystem::absolute(folder).string();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  Receiver receiver(kMarkersMax);
  Bench bench{.program = program,
              .folder = folder,
              .config_file = WriteConfig(folder, receiver),
              .receiver = receiver,
              .rates = rates,
              .seconds = seconds,
              .open_episodes = open_episodes,
              .burst = burst,
              .pending = pending};
  for (const char* part : {"steady", "few", "many", "silence"}) {
    std::filesystem::create_directories(absl::StrCat(folder, "/", part));
  }
  utsname machine{};
  uname(&machine);
  std::cout << "Server, clients and receiver together on " << std::thread::hardware_concurrency()
            << " cores (" << machine.sysname << " " << machine.release << " " << machine.machine
            << "). Latency counts from the moment at which a report should have been sent, to the "
               "first byte at the webhook's receiver and to the gRPC answer.\n";
  // On processes of its own, so only when it is asked for.
  if (only == "cluster") OnCluster(bench);
  const std::pair<const char*, void (*)(Bench&)> parts[] = {
      {"steady", Steady}, {"silence", Silence}, {"deadlines", Deadlines}, {"held", Held}};
  for (const auto& [name, measure] : parts) {
    if (only.empty() || only == name) measure(bench);
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace porchlight::bench

int main(int argc, char** argv) { return porchlight::bench::Main(argc, argv); }
