#include "tests/tidy/checks.h"

#include <algorithm>
#include <map>
#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace porchlight::tidy {
namespace {

bool IsCpp(absl::string_view path) {
  return absl::EndsWith(path, ".h") || absl::EndsWith(path, ".cc");
}
bool IsProduct(absl::string_view path) {
  return absl::StartsWith(path, "common/") || absl::StartsWith(path, "services/");
}
bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

bool StartsWithAny(absl::string_view text, const std::vector<absl::string_view>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](absl::string_view prefix) { return absl::StartsWith(text, prefix); });
}

// "intake" of "services/intake/rules.cc"; empty elsewhere.
absl::string_view ServiceOf(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "services/")) return "";
  const size_t slash = path.find('/');
  return slash == absl::string_view::npos ? "" : path.substr(0, slash);
}

// Whether `word` stands in `line` and isn't the tail of a longer word.
bool HasWord(absl::string_view line, absl::string_view word) {
  for (size_t at = line.find(word); at != absl::string_view::npos; at = line.find(word, at + 1)) {
    if (at == 0 || !IsWordCharacter(line[at - 1])) return true;
  }
  return false;
}

template <typename Visit>
void ForEachLine(absl::string_view text, Visit visit) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) visit(++number, line);
}

// A library that only these folders may know.
struct Owned {
  absl::string_view include;
  std::vector<absl::string_view> folders;
};

const std::vector<Owned>& OwnedLibraries() {
  static const auto* owned = new std::vector<Owned>{
      {"sqlite3.h", {"common/sqlite/", "common/log/", "common/store/", "common/keys/"}},
      {"curl/", {"common/channel/", "common/blob/"}},
      {"hiredis/", {"common/store/"}},
      {"spdlog/", {"common/logger/"}},
      {"yaml-cpp/", {"common/config/"}},
      {"librdkafka/", {"common/kafka/"}},
      {"sodium.h",
       {"common/base/", "common/keys/", "common/privacy/", "common/channel/", "common/evidence/",
        "common/embedded/", "common/cluster/", "common/edge/signed_link."}},
      {"openssl/", {"common/channel/"}},
      {"boost/", {"common/http/"}},
      {"prometheus/", {"common/metrics/"}},
      {"jpeglib.h", {"common/photo/"}},
      {"png.h", {"common/photo/"}},
      {"grpcpp/", {"common/rpc/", "common/evidence/", "services/"}},
      {"CLI/", {"services/porchlight/"}},
      {"gtest/", {}},
      {"gmock/", {}},
  };
  return *owned;
}

bool IsPort(absl::string_view path) {
  static const auto* ports = new std::set<absl::string_view>{
      "common/log/log.h",   "common/store/store.h",     "common/keys/keys.h",
      "common/blob/blob.h", "common/channel/channel.h", "common/base/clock.h"};
  return ports->contains(path);
}

bool IsStandard(absl::string_view include) {
  return include.find_first_of("./") == absl::string_view::npos;
}

bool IsMessageHeader(absl::string_view include) {
  return absl::StartsWith(include, "porchlight/v1/") && absl::EndsWith(include, ".pb.h") &&
         !absl::EndsWith(include, ".grpc.pb.h");
}

bool IsPlain(absl::string_view include) {
  return IsStandard(include) || IsMessageHeader(include) ||
         StartsWithAny(include, {"absl/", "google/protobuf/"});
}

bool RulesMayInclude(absl::string_view service, absl::string_view include) {
  static const auto* allowed = new std::set<absl::string_view>{
      "common/base/ids.h",        "common/base/time.h",          "common/base/limits.h",
      "common/base/hash.h",       "common/processor/rules.h",    "common/policy/duties.h",
      "common/policy/calendar.h", "common/policy/words.h",       "common/policy/facts.h",
      "common/policy/in_force.h", "common/privacy/disclosure.h", "common/episode/facts.h",
      "common/episode/oddities.h"};
  return IsPlain(include) || allowed->contains(include) ||
         StartsWithAny(include,
                       {"common/case/", "common/directory/", "common/notice/", "common/screening/",
                        "common/team/", "common/oncall/alarm.", "common/oncall/heard.",
                        "common/oncall/oncall_state.", "common/oncall/page_message.",
                        "common/oncall/paging.", "common/oncall/watch."}) ||
         include == absl::StrCat("services/", service, "/rules.h");
}

// Why `path` may not include `include`; empty where it may.
std::string Forbidden(absl::string_view path, absl::string_view include) {
  const absl::string_view service = ServiceOf(path);
  const absl::string_view other = ServiceOf(include);
  if (absl::StartsWith(include, "tests/")) return "the product never includes tests";
  if (!other.empty() && service.empty()) return "common/ never includes a service";
  if (!other.empty() && other != service && service != "porchlight") {
    return "services never include each other: they talk by events";
  }
  if (absl::StrContains(path, "/rules.") && !service.empty() &&
      !RulesMayInclude(service, include)) {
    return "rules are pure: std, absl, protobuf messages, common/processor/rules.h, duties, facts, "
           "in_force, calendar and words of common/policy, common/privacy/disclosure.h, "
           "common/case, common/directory, common/notice, common/screening, common/team, the rules "
           "of common/oncall, facts and oddities of common/episode, "
           "and ids, time, limits and hash of common/base only";
  }
  if (IsPort(path) && !IsPlain(include) && !absl::StartsWith(include, "common/base/")) {
    return "a port doesn't know its adapters";
  }
  if (absl::StartsWith(path, "common/base/") && absl::StartsWith(include, "common/") &&
      !absl::StartsWith(include, "common/base/")) {
    return "common/base is beneath all else in common/";
  }
  if (absl::EndsWith(include, ".grpc.pb.h") && path.find("common/rpc/") != 0 &&
      path.find("common/evidence/") != 0 && service.empty()) {
    return "gRPC is known to common/rpc, common/evidence and the services only";
  }
  for (const Owned& owned : OwnedLibraries()) {
    if (absl::StartsWith(include, owned.include) && !StartsWithAny(path, owned.folders)) {
      return absl::StrCat("only ", absl::StrJoin(owned.folders, ", "), " may know this library");
    }
  }
  return "";
}

struct Banned {
  absl::string_view call;
  enum Kind { kClock, kSleep, kChance, kSeeded, kThread } kind;
};

constexpr Banned kBanned[] = {
    {"system_clock::now", Banned::kClock},
    {"steady_clock::now", Banned::kClock},
    {"high_resolution_clock", Banned::kClock},
    {"clock_gettime", Banned::kClock},
    {"gettimeofday", Banned::kClock},
    {"time(nullptr)", Banned::kClock},
    {"time(NULL)", Banned::kClock},
    {"time(0)", Banned::kClock},
    {"absl::Now", Banned::kClock},
    {"absl::GetCurrentTimeNanos", Banned::kClock},
    {"sleep_for", Banned::kSleep},
    {"sleep_until", Banned::kSleep},
    {"usleep", Banned::kSleep},
    {"nanosleep", Banned::kSleep},
    {"sleep(", Banned::kSleep},
    {"absl::SleepFor", Banned::kSleep},
    {"rand(", Banned::kChance},
    {"srand(", Banned::kChance},
    {"random_device", Banned::kChance},
    {"mt19937", Banned::kSeeded},
    {"default_random_engine", Banned::kChance},
    {"absl::BitGen", Banned::kChance},
    {"std::thread", Banned::kThread},
    {"std::jthread", Banned::kThread},
    {"std::async", Banned::kThread},
    {"pthread_create", Banned::kThread},
};

bool Allowed(absl::string_view path, Banned::Kind kind) {
  // Tests may run threads, to race what is thread-safe, and draw from a fixed seed. Only
  // measurements read a clock, and only the load generator waits for it.
  if (absl::StartsWith(path, "tests/")) {
    if (kind == Banned::kClock) return StartsWithAny(path, {"tests/bench/", "tests/faults/"});
    if (kind == Banned::kSleep) return absl::StartsWith(path, "tests/bench/");
    return kind == Banned::kThread || kind == Banned::kSeeded;
  }
  switch (kind) {
    case Banned::kClock:
      return path == "common/base/system_clock.cc";
    case Banned::kThread:
      return StartsWithAny(
          path, {"common/channel/curl_sender.", "common/channel/folder_channel.",
                 "common/http/http_server.", "common/kafka/producer.", "common/kafka/group.",
                 "common/log/kafka_log.", "common/oncall/sweep_thread.", "common/processor/worker.",
                 "services/porchlight/"});
    case Banned::kSleep:
    case Banned::kChance:
    case Banned::kSeeded:
      return false;
  }
  return false;
}

// Walks code that comments and literals were blanked in, and notes where functions begin and end.
// Knows our own formatting, not the whole of C++.
class FunctionFinder {
 public:
  struct Function {
    int first_line = 0;
    int last_line = 0;
  };

  std::vector<Function> Find(absl::string_view code) {
    ForEachLine(code, [&](int number, absl::string_view line) {
      if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(line), "#")) return;
      for (char c : line) Take(number, c);
      Take(number, ' ');
    });
    return std::move(functions_);
  }

 private:
  enum Block { kScope, kFunction, kOther };

  void Take(int line, char c) {
    if (c == '{') return Open(line);
    if (c == '}') return Close(line);
    const bool inside = std::find(open_.begin(), open_.end(), kFunction) != open_.end();
    if (inside) return;
    if (c == ';') {
      head_.clear();
    } else if (!head_.empty() || c != ' ') {
      if (head_.empty()) head_line_ = line;
      head_ += c;
    }
  }

  void Open(int line) {
    const bool outermost =
        std::all_of(open_.begin(), open_.end(), [](Block block) { return block == kScope; });
    static const auto* scope = new std::regex(
        R"(^(template\s*<.*>\s*)?(inline\s+)?(namespace|class|struct|union|enum|extern)\b.*)");
    if (!outermost) {
      open_.push_back(kOther);
    } else if (std::regex_match(head_, *scope) && head_.find(") ") == std::string::npos) {
      open_.push_back(kScope);
      head_.clear();
    } else if (head_.find('(') != std::string::npos) {
      if (head_line_ == 0) head_line_ = line;
      open_.push_back(kFunction);
    } else {
      open_.push_back(kOther);
    }
  }

  void Close(int line) {
    if (open_.empty()) return;
    if (open_.back() == kFunction) {
      // A member's initializer `member_{value}` also looks like one: the real body comes after it
      // and then counts from the same head on, since the head is kept until a line of its own ends
      // it.
      if (!functions_.empty() && functions_.back().first_line == head_line_) functions_.pop_back();
      functions_.push_back({head_line_, line});
    }
    const bool ends_function = open_.back() == kFunction && !InInitializers();
    if (ends_function || open_.back() == kScope) head_.clear();
    open_.pop_back();
  }

  // Whether the brace that closes now belongs to `: first_{1}, second_{2}`: no space before it
  // opened.
  bool InInitializers() const { return !head_.empty() && IsWordCharacter(head_.back()); }

  std::vector<Block> open_;
  std::string head_;
  int head_line_ = 0;
  std::vector<Function> functions_;
};

// Blanks everything that isn't code, character by character.
class Blanker {
 public:
  explicit Blanker(absl::string_view text) : text_(text), code_(text) {}

  std::string Run() {
    while (at_ < text_.size()) Step();
    return std::move(code_);
  }

 private:
  void Step() {
    const absl::string_view rest = text_.substr(at_);
    if (absl::StartsWith(rest, "//")) {
      BlankUntil(text_.find('\n', at_));
    } else if (absl::StartsWith(rest, "/*")) {
      BlankUntil(After(text_.find("*/", at_), 2));
    } else if (absl::StartsWith(rest, "R\"") && !FollowsWord()) {
      const size_t open = text_.find('(', at_);
      const std::string close = absl::StrCat(")", text_.substr(at_ + 2, open - at_ - 2), "\"");
      BlankUntil(After(text_.find(close, at_), close.size()));
    } else if (rest[0] == '"' || (rest[0] == '\'' && !FollowsWord())) {
      BlankUntil(LiteralEnd());
    } else {
      ++at_;
    }
  }

  bool FollowsWord() const { return at_ > 0 && IsWordCharacter(text_[at_ - 1]); }

  size_t LiteralEnd() const {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != text_[at_] && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    return end + 1;
  }

  static size_t After(size_t found, size_t length) {
    return found == absl::string_view::npos ? found : found + length;
  }

  void BlankUntil(size_t end) {
    for (end = std::min(end, text_.size()); at_ < end; ++at_) {
      if (text_[at_] != '\n') code_[at_] = ' ';
    }
  }

  absl::string_view text_;
  std::string code_;
  size_t at_ = 0;
};

std::set<std::string> Services(const std::vector<File>& tree) {
  std::set<std::string> services;
  for (const File& file : tree) {
    const absl::string_view service = ServiceOf(file.path);
    if (!service.empty() && service != "porchlight") services.emplace(service);
  }
  return services;
}

}  // namespace

std::string Print(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    absl::StrAppend(&text, finding.path, ":", finding.line, ": ", finding.message, "\n");
  }
  return text;
}

std::string CodeOnly(absl::string_view text) { return Blanker(text).Run(); }

Findings CheckIncludes(const File& file) {
  Findings findings;
  if (!IsCpp(file.path) || !IsProduct(file.path)) return findings;
  static const auto* directive = new std::regex(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)re");
  ForEachLine(file.text, [&](int number, absl::string_view line) {
    std::cmatch match;
    if (!std::regex_match(line.begin(), line.end(), match, *directive)) return;
    const std::string include = match[1];
    const std::string why = Forbidden(file.path, include);
    if (!why.empty()) {
      findings.push_back({file.path, number, absl::StrCat("includes ", include, ": ", why)});
    }
  });
  return findings;
}

Findings CheckBannedCalls(const File& file) {
  Findings findings;
  if (!IsCpp(file.path)) return findings;
  ForEachLine(CodeOnly(file.text), [&](int number, absl::string_view line) {
    for (const Banned& banned : kBanned) {
      if (HasWord(line, banned.call) && !Allowed(file.path, banned.kind)) {
        findings.push_back({file.path, number,
                            absl::StrCat("uses ", banned.call,
                                         ": time, chance, sleep and threads are passed in through "
                                         "ports (common/base/clock.h, common/base/ids.h)")});
      }
    }
  });
  return findings;
}

Findings CheckSizes(const File& file) {
  constexpr int kFunctionLinesMax = 70;
  constexpr int kFileLinesMax = 500;
  Findings findings;
  if (!IsCpp(file.path) || !IsProduct(file.path)) return findings;
  const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
  if (lines > kFileLinesMax) {
    findings.push_back({file.path, 0,
                        absl::StrCat("has ", lines,
                                     " lines; split it by what "
                                     "changes together (at most ",
                                     kFileLinesMax, ")")});
  }
  for (const FunctionFinder::Function& function : FunctionFinder().Find(CodeOnly(file.text))) {
    const int length = function.last_line - function.first_line + 1;
    if (length > kFunctionLinesMax) {
      findings.push_back(
          {file.path, function.first_line,
           absl::StrCat("a function of ", length, " lines; at most ", kFunctionLinesMax)});
    }
  }
  return findings;
}

Findings CheckLineLength(const File& file) {
  constexpr int kColumnsMax = 100;
  Findings findings;
  if (!IsCpp(file.path)) return findings;
  ForEachLine(file.text, [&](int number, absl::string_view line) {
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not inside a UTF-8 character
    });
    // An include can't be broken.
    if (columns > kColumnsMax && !absl::StartsWith(line, "#include")) {
      findings.push_back({file.path, number, absl::StrCat(columns, " columns; run `make format`")});
    }
  });
  return findings;
}

Findings CheckLeftovers(const File& file) {
  Findings findings;
  static const auto* mark = new std::regex(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  static const auto* path =
      new std::regex(R"((^|[^A-Za-z0-9_.}])(/work/|/root/|/home/[a-z]|/tmp/ccache))");
  ForEachLine(file.text, [&](int number, absl::string_view line) {
    std::cmatch match;
    if (std::regex_search(line.begin(), line.end(), match, *mark)) {
      findings.push_back(
          {file.path, number, absl::StrCat(match[1].str(), ": do it, or open an issue")});
    }
    if (std::regex_search(line.begin(), line.end(), match, *path)) {
      findings.push_back(
          {file.path, number, absl::StrCat("names ", match[2].str(), ", a path of one machine")});
    }
  });
  return findings;
}

Findings CheckPersonalData(const File& file) {
  Findings findings;
  if (!StartsWithAny(file.path, {"tests/", "deploy/", "services/", "k8s/"})) return findings;
  static const auto* email =
      new std::regex(R"([A-Za-z0-9._%+-]+@([A-Za-z0-9-]+\.)*([A-Za-z0-9-]+\.[A-Za-z]{2,})\b)");
  static const auto* reserved =
      new std::regex(R"(.*\.(invalid|example|test)|example\.(com|org|net))");
  static const auto* phone = new std::regex(
      R"((^|[^0-9A-Za-z-])(\+?1[-. ]?)?\(?[2-9]\d\d\)?[-. ](\d{3})[-. ](\d{4})($|[^0-9A-Za-z-]))");
  static const auto* social_security =
      new std::regex(R"((^|[^0-9A-Za-z-])\d{3}-\d{2}-\d{4}($|[^0-9A-Za-z-]))");
  const auto report = [&](int number, const char* what) {
    findings.push_back({file.path, number, what});
  };
  ForEachLine(file.text, [&](int number, absl::string_view line) {
    std::cmatch match;
    const char* from = line.begin();
    while (std::regex_search(from, line.end(), match, *email)) {
      if (!std::regex_match(match[2].str(), *reserved)) {
        report(number, "an e-mail address that could be somebody's: use .invalid or .example");
      }
      from = match.suffix().first;
    }
    from = line.begin();
    while (std::regex_search(from, line.end(), match, *phone)) {
      if (match[3] != "555" || match[4].str().compare(0, 2, "01") != 0) {
        report(number, "a telephone number that could be somebody's: use 555-01xx");
      }
      from = match[4].second;
    }
    if (std::regex_search(line.begin(), line.end(), match, *social_security)) {
      report(number, "looks like a social security number");
    }
  });
  return findings;
}

Findings CheckTitle(const File& file) {
  if (!absl::EndsWith(file.path, ".md")) return {};
  int titles = 0;
  bool in_code = false;
  ForEachLine(file.text, [&](int, absl::string_view line) {
    if (absl::StartsWith(line, "```")) in_code = !in_code;
    if (!in_code && absl::StartsWith(line, "# ")) ++titles;
  });
  if (titles == 1) return {};
  return {{file.path, 0, absl::StrCat("has ", titles, " lines `# Title`; one is wanted")}};
}

Findings CheckServiceFiles(const std::vector<File>& tree) {
  const std::set<std::string> wanted = {"rules.h", "rules.cc", "service.h", "service.cc",
                                        "main.cc"};
  Findings findings;
  for (const std::string& service : Services(tree)) {
    const std::string folder = absl::StrCat("services/", service, "/");
    std::set<std::string> found;
    for (const File& file : tree) {
      if (!absl::StartsWith(file.path, folder)) continue;
      const std::string name = file.path.substr(folder.size());
      found.insert(name);
      if (!wanted.contains(name)) {
        findings.push_back({file.path, 0,
                            "a service has rules, service and main; what else it "
                            "needs belongs in common/"});
      }
    }
    for (const std::string& name : wanted) {
      if (!found.contains(name)) findings.push_back({folder + name, 0, "is missing"});
    }
  }
  return findings;
}

Findings CheckReadme(const std::vector<File>& tree) {
  const auto readme = std::find_if(tree.begin(), tree.end(),
                                   [](const File& file) { return file.path == "README.md"; });
  if (readme == tree.end()) return {{"README.md", 0, "is missing"}};
  Findings findings;
  for (const std::string& service : Services(tree)) {
    bool listed = false;
    ForEachLine(readme->text, [&](int, absl::string_view line) {
      listed = listed || (absl::StartsWith(line, "|") &&
                          absl::StrContains(line, absl::StrCat("`", service, "`")));
    });
    if (!listed) {
      findings.push_back({"README.md", 0, absl::StrCat("no table row for `", service, "`")});
    }
  }
  return findings;
}

Findings CheckSensitivity(const std::vector<File>& tree) {
  static const auto* message = new std::regex(R"(^\s*message (\w+) \{.*)");
  static const auto* field =
      new std::regex(R"(^\s*(repeated |optional )?(map<.*>|[.\w]+) (\w+) = \d+\s*(\[.*\])?;.*)");
  static const auto* skipped = new std::regex(R"(^\s*(option|reserved|import|package|syntax)\b.*)");
  static const auto* chosen = new std::regex(R"(\(sensitivity\) = SENSITIVITY_(\w+))");
  std::set<std::string> messages;
  std::vector<const File*> protos;
  for (const File& file : tree) {
    if (!absl::StartsWith(file.path, "proto/") || !absl::EndsWith(file.path, ".proto")) continue;
    protos.push_back(&file);
    ForEachLine(file.text, [&](int, absl::string_view line) {
      std::cmatch match;
      if (std::regex_match(line.begin(), line.end(), match, *message)) messages.insert(match[1]);
    });
  }
  Findings findings;
  for (const File* proto : protos) {
    if (absl::EndsWith(proto->path, "/options.proto")) continue;
    std::string statement;
    ForEachLine(CodeOnly(proto->text), [&](int number, absl::string_view line) {
      absl::StrAppend(&statement, absl::StripAsciiWhitespace(line), " ");
      if (line.find_first_of(";{}") == absl::string_view::npos) return;
      std::smatch match;
      const bool is_field =
          std::regex_match(statement, match, *field) && !std::regex_match(statement, *skipped);
      if (is_field && !messages.contains(match[2])) {
        std::smatch choice;
        const std::string options = match[4];
        if (!std::regex_search(options, choice, *chosen) || choice[1] == "UNSPECIFIED") {
          findings.push_back(
              {proto->path, number,
               absl::StrCat("field ", match[3].str(),
                            " has no sensitivity (proto/porchlight/v1/options.proto)")});
        }
      }
      statement.clear();
    });
  }
  return findings;
}

}  // namespace porchlight::tidy
