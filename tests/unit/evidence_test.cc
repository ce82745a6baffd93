// Evidence that is untouched verifies; every kind of tampering with it is found, also by somebody
// who can sign again, and the record is named.
#include <functional>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/evidence/bundle.h"
#include "common/evidence/evidence_service.h"
#include "common/evidence/verify_bundle.h"
#include "common/log/append_rules.h"
#include "common/log/faulty_log.h"
#include "common/privacy/sealing.h"
#include "gmock/gmock.h"
#include "google/protobuf/stubs/logging.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "porchlight/v1/notification.pb.h"
#include "tests/unit/evidence_log.h"

namespace porchlight::testing::evidence_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Chains in the bundle, and sequences in them.
constexpr int kIntake = 0;
constexpr int kNotification = 1;

class EvidenceTest : public ::testing::Test {
 protected:
  v1::EvidenceBundle Export() {
    return ExportEvidence(world_.Sources(), world_.episode, world_.start + absl::Hours(5)).value();
  }
  std::string File(const v1::EvidenceBundle& bundle) {
    return SignEvidence(bundle, world_.signing_seed);
  }
  static v1::EvidenceLink& LinkAt(v1::EvidenceBundle& bundle, int chain, int sequence) {
    return *bundle.mutable_chains(chain)->mutable_links(sequence - 1);
  }
  static void Change(v1::EvidenceLink& link, const std::function<void(v1::Transition&)>& change) {
    v1::Transition transition;
    ASSERT_TRUE(transition.ParseFromString(link.content()));
    change(transition);
    link.set_content(transition.SerializeAsString());
    link.set_content_digest(Sha256(link.content()));
  }
  // What somebody who rewrites a chain would do: all hashes from the first on, and the hashes by
  // which transitions name the one before of their aggregate.
  static void Rechain(v1::EvidenceChain& chain) {
    ChainTail tail;
    std::map<std::string, std::string> aggregates;
    for (v1::EvidenceLink& link : *chain.mutable_links()) {
      std::string& previous = aggregates[link.aggregate_tag()];
      if (!link.content().empty()) {
        Change(link, [&](v1::Transition& t) { t.set_aggregate_previous_hash(previous); });
      }
      tail.hash =
          ChainHash(tail.hash, ++tail.sequence, link.aggregate_tag(), link.content_digest());
      previous = tail.hash;
      link.set_hash(tail.hash);
    }
  }
  std::string Topic(int chain, int sequence) const {
    return absl::StrCat("porchlight.", chain == kIntake ? "intake" : "notification", ".events/",
                        world_.partition, ", sequence ", sequence);
  }
  // Why the bundle, signed again, doesn't verify.
  std::string Fault(const v1::EvidenceBundle& bundle) {
    const absl::StatusOr<EvidenceReport> report = VerifyEvidence(File(bundle));
    if (report.ok()) return "no fault found";
    EXPECT_TRUE(absl::IsDataLoss(report.status())) << report.status();
    return std::string(report.status().message());
  }

  EvidenceLog world_;
  // Damaged bytes are parsed on purpose.
  google::protobuf::LogSilencer silencer_;
};

TEST_F(EvidenceTest, UntouchedVerifiesAndTellsEverything) {
  const absl::StatusOr<EvidenceReport> report = VerifyEvidence(File(Export()));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->episode_id, "youth-own_e1");
  EXPECT_EQ(report->agency_id, "agency-1");
  EXPECT_FALSE(report->sealed);
  EXPECT_EQ(report->links, 13u);
  EXPECT_EQ(report->transitions, 10u);
  EXPECT_EQ(report->commands, 4u);
  EXPECT_EQ(report->events, 7u);
  EXPECT_EQ(report->deliveries, 3u);
  EXPECT_EQ(report->attempts, 4u);
  ASSERT_EQ(report->heads.size(), 2u);
  EXPECT_EQ(report->heads[kIntake].sequence, 4u);
  EXPECT_EQ(report->heads[kNotification].sequence, 9u);
  EXPECT_EQ(report->timeline.size(), 18u);
  EXPECT_TRUE(std::is_sorted(report->timeline.begin(), report->timeline.end(),
                             [](const auto& a, const auto& b) { return a.at < b.at; }));
  EXPECT_EQ(report->timeline[0].record_id, "command-report");
  EXPECT_EQ(report->timeline[0].at, world_.start + absl::Minutes(1));
  EXPECT_EQ(report->timeline[0].occurred_at, world_.start - absl::Minutes(59));
  EXPECT_EQ(report->key_fingerprint.size(), 64u);
}

TEST_F(EvidenceTest, HoldsNothingOfAnotherYouthAndNothingInClear) {
  const std::string file = File(Export());
  EXPECT_THAT(file, Not(HasSubstr(world_.other_youth)));
  EXPECT_THAT(file, Not(HasSubstr(std::string(kOtherMarker))));
  EXPECT_THAT(file, Not(HasSubstr("command-other")));
  EXPECT_THAT(file, Not(HasSubstr("command-waiting")));
  EXPECT_THAT(file, Not(HasSubstr(std::string(kOwnMarker))));
  const Key others = world_.keys.Get(KeyName(world_.other_youth)).value();
  EXPECT_THAT(file, Not(HasSubstr(std::string(others.begin(), others.end()))));
  EXPECT_THAT(ToText(*VerifyEvidence(file), absl::UTCTimeZone()),
              Not(HasSubstr(std::string(kOwnMarker))));
}

TEST_F(EvidenceTest, StaysSealedWhenTheKeyWasDestroyed) {
  ASSERT_TRUE(world_.keys.Destroy(KeyName(world_.youth)).ok());
  v1::EvidenceBundle bundle = Export();
  EXPECT_EQ(bundle.youth_key(), "");
  // What is still asked is refused, and the answer sealed with the agency's key.
  Change(LinkAt(bundle, kNotification, 8), [](v1::Transition& t) {
    v1::RecordHeader header;
    header.set_agency_id("agency-1");
    *t.mutable_outcome()->mutable_body() = MakeRecord(Key{}, header, v1::OutcomeBody());
  });
  Rechain(*bundle.mutable_chains(kNotification));
  const absl::StatusOr<EvidenceReport> report = VerifyEvidence(File(bundle));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->sealed);
  EXPECT_THAT(ToText(*report, absl::UTCTimeZone()), HasSubstr("sealed or expunged"));
}

TEST_F(EvidenceTest, ExportSaysWhatIsMissing) {
  const absl::Time now = world_.start;
  EXPECT_TRUE(absl::IsNotFound(ExportEvidence(world_.Sources(), "youth-own_e2", now).status()));
  EXPECT_TRUE(absl::IsNotFound(ExportEvidence(world_.Sources(), "nobody_e1", now).status()));
  EvidenceLog::Content content = world_.Dump();
  content[world_.IntakeEvents()].pop_back();
  world_.log = EvidenceLog::Restore(content);
  EXPECT_THAT(std::string(ExportEvidence(world_.Sources(), world_.episode, now).status().message()),
              HasSubstr("ends at sequence 3, but another service has already acted on sequence 4"));
  content = world_.Dump();
  content[world_.NoticeCommands()].clear();
  world_.log = EvidenceLog::Restore(content);
  EXPECT_TRUE(absl::IsDataLoss(ExportEvidence(world_.Sources(), world_.episode, now).status()));
}

TEST_F(EvidenceTest, EveryChangedByteIsFound) {
  std::string file = File(Export());
  for (size_t i = 0; i < file.size(); ++i) {
    const char was = file[i];
    file[i] = static_cast<char>(was ^ (1 << (i % 8)));
    EXPECT_FALSE(VerifyEvidence(file).ok()) << "byte " << i;
    file[i] = was;
  }
  EXPECT_FALSE(VerifyEvidence(file + "x").ok());
  for (size_t size : {size_t{0}, size_t{10}, size_t{60}, file.size() - 1}) {
    EXPECT_FALSE(VerifyEvidence(file.substr(0, size)).ok()) << size;
  }
  EXPECT_TRUE(VerifyEvidence(file).ok());
}

// Whoever has the key can sign any bytes. Then either the change is found, or nothing that the
// report says of the episode is different.
TEST_F(EvidenceTest, EveryChangedByteSignedAgainIsFoundOrChangesNothing) {
  v1::EvidenceBundle bundle = Export();
  EvidenceReport untouched = *VerifyEvidence(File(bundle));
  std::string content = bundle.SerializeAsString();
  int not_found = 0;
  for (size_t i = 0; i < content.size(); ++i) {
    const char was = content[i];
    content[i] = static_cast<char>(was ^ (1 << (i % 8)));
    v1::EvidenceBundle changed;
    if (changed.ParseFromString(content)) {
      absl::StatusOr<EvidenceReport> report = VerifyEvidence(File(changed));
      if (report.ok()) {
        ++not_found;
        report->exported_at = untouched.exported_at;
        EXPECT_EQ(ToText(*report, absl::UTCTimeZone()), ToText(untouched, absl::UTCTimeZone()))
            << "byte " << i;
      }
    }
    content[i] = was;
  }
  // The time of the export is told by nobody else; all but a few bytes are sure.
  EXPECT_LT(not_found, 16);
}

TEST_F(EvidenceTest, WhereTheSignatureDoesNotFitTheFirstWrongRecordIsStillNamed) {
  v1::EvidenceBundle bundle = Export();
  std::string file = File(bundle);
  const std::string content = bundle.chains(0).links(0).content();
  ASSERT_FALSE(content.empty());
  file[file.find(content) + content.size() / 2] ^= 1;
  const absl::Status changed = VerifyEvidence(file).status();
  EXPECT_TRUE(absl::IsDataLoss(changed));
  EXPECT_THAT(changed.message(), ::testing::HasSubstr("the signature doesn't fit"));
  EXPECT_THAT(changed.message(), ::testing::HasSubstr(absl::StrCat(
                                     "The first that is wrong: ", bundle.chains(0).topic(), "/",
                                     bundle.chains(0).partition(), ", sequence 1")));

  std::string other_signature = File(bundle);
  other_signature[100] ^= 1;  // within it: 22 bytes of the first line, 32 of the key
  EXPECT_THAT(VerifyEvidence(other_signature).status().message(),
              ::testing::HasSubstr("Its records are whole"));
}

TEST_F(EvidenceTest, SignedByAnotherKeyShowsAnotherFingerprint) {
  Key other = world_.signing_seed;
  other[0] ^= 1;
  const absl::StatusOr<EvidenceReport> report = VerifyEvidence(SignEvidence(Export(), other));
  ASSERT_TRUE(report.ok());
  EXPECT_NE(report->key_fingerprint, VerifyEvidence(File(Export()))->key_fingerprint);
}

TEST_F(EvidenceTest, ContentChanged) {
  v1::EvidenceBundle bundle = Export();
  v1::EvidenceLink& link = LinkAt(bundle, kIntake, 3);
  const v1::EvidenceLink was = link;
  Change(link, [](v1::Transition& t) { t.set_active(!t.active()); });
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kIntake, 3)));
  link.set_content_digest(was.content_digest());
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(Topic(kIntake, 3)), HasSubstr("was changed")));
}

TEST_F(EvidenceTest, ContentChangedWithItsHash) {
  v1::EvidenceBundle bundle = Export();
  v1::EvidenceLink& link = LinkAt(bundle, kIntake, 3);
  Change(link, [](v1::Transition& t) { t.set_active(!t.active()); });
  link.set_hash(ChainHash(bundle.chains(kIntake).links(1).hash(), 3, link.aggregate_tag(),
                          link.content_digest()));
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kIntake, 4)));
}

TEST_F(EvidenceTest, ChainRewrittenToItsEndIsContradictedByTheOther) {
  v1::EvidenceBundle bundle = Export();
  Change(LinkAt(bundle, kIntake, 3), [](v1::Transition& t) { t.set_active(!t.active()); });
  Rechain(*bundle.mutable_chains(kIntake));
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(Topic(kIntake, 3)), HasSubstr("rewritten"),
                                   HasSubstr(Topic(kNotification, 5))));
}

TEST_F(EvidenceTest, LinkRemoved) {
  for (int sequence = 1; sequence <= 3; ++sequence) {
    v1::EvidenceBundle bundle = Export();
    bundle.mutable_chains(kIntake)->mutable_links()->DeleteSubrange(sequence - 1, 1);
    EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kIntake, sequence)));
  }
}

TEST_F(EvidenceTest, LinkRemovedAndChainRewritten) {
  v1::EvidenceBundle bundle = Export();
  bundle.mutable_chains(kNotification)->mutable_links()->DeleteSubrange(1, 1);
  Rechain(*bundle.mutable_chains(kNotification));
  EXPECT_THAT(Fault(bundle),
              AllOf(HasSubstr("left out or added"), HasSubstr("porchlight.notification.events")));
}

TEST_F(EvidenceTest, LinkAdded) {
  v1::EvidenceBundle bundle = Export();
  v1::EvidenceChain& chain = *bundle.mutable_chains(kNotification);
  *chain.add_links() = chain.links(3);
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kNotification, 10)));
  Rechain(chain);
  EXPECT_THAT(Fault(bundle),
              AllOf(HasSubstr(Topic(kNotification, 10)), HasSubstr("left out or added")));
}

TEST_F(EvidenceTest, ContentHiddenAsIfForeign) {
  v1::EvidenceBundle bundle = Export();
  LinkAt(bundle, kNotification, 2).clear_content();
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(Topic(kNotification, 2)), HasSubstr("hidden")));
  // Also with another tag, as if it were another youth's.
  LinkAt(bundle, kNotification, 2).set_aggregate_tag(AggregateTag("somebody"));
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kNotification, 2)));
  Rechain(*bundle.mutable_chains(kNotification));
  EXPECT_THAT(Fault(bundle), HasSubstr("left out or added"));
}

TEST_F(EvidenceTest, ForeignContentAdded) {
  v1::EvidenceBundle bundle = Export();
  v1::EvidenceLink& foreign = LinkAt(bundle, kNotification, 3);
  foreign.set_content("anything");
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(Topic(kNotification, 3)), HasSubstr("was added")));
}

TEST_F(EvidenceTest, LinksSwapped) {
  v1::EvidenceBundle bundle = Export();
  bundle.mutable_chains(kNotification)->mutable_links()->SwapElements(4, 5);
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kNotification, 5)));
  Rechain(*bundle.mutable_chains(kNotification));
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kNotification, 5)));
}

TEST_F(EvidenceTest, CommandRemovedAddedChangedOrRepeated) {
  v1::EvidenceBundle bundle = Export();
  ASSERT_EQ(bundle.commands_size(), 4);
  bundle.mutable_commands()->DeleteSubrange(1, 1);
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(Topic(kIntake, 3)), HasSubstr("command-second-report"),
                                   HasSubstr("it was removed or changed")));

  bundle = Export();
  *bundle.add_commands() = bundle.commands(1);
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr("command-second-report"), HasSubstr("twice")));

  bundle = Export();
  v1::RecordHeader header;
  header.set_record_id("command-never-given");
  header.set_youth_id(world_.youth);
  header.set_agency_id("agency-1");
  *bundle.add_commands() = MakeRecord(world_.keys.Get(KeyName(world_.youth)).value(), header,
                                      v1::ReplayDeadLetterRequest());
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr("command-never-given"), HasSubstr("was added")));

  bundle = Export();
  bundle.mutable_commands(1)->mutable_sealed()->back() ^= 1;
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr("command-second-report"), HasSubstr("was changed")));
}

// As retention leaves a topic of commands: what is below `start` is gone.
TEST_F(EvidenceTest, CommandsThatWereNoLongerKeptAreListed) {
  std::set<TopicPartition> told;
  FaultyLog log(*world_.log, nullptr, [&](const TopicPartition& where) {
    const bool is_commands = absl::EndsWith(where.topic, ".commands");
    return is_commands && told.insert(where).second ? RemovedBefore(where, 0, 1) : absl::OkStatus();
  });
  const ExportSources sources = world_.Sources();
  const absl::StatusOr<v1::EvidenceBundle> exported =
      ExportEvidence({.log = log,
                      .keys = sources.keys,
                      .services = sources.services,
                      .partitions = sources.partitions,
                      .signing_seed = sources.signing_seed,
                      .agency_id = sources.agency_id},
                     world_.episode, world_.start);
  ASSERT_TRUE(exported.ok()) << exported.status();
  ASSERT_GT(exported->commands_removed_size(), 0);
  EXPECT_EQ(exported->commands_size() + exported->commands_removed_size(), 4);
  const absl::StatusOr<EvidenceReport> report = VerifyEvidence(File(*exported));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->commands_removed, static_cast<size_t>(exported->commands_removed_size()));
  EXPECT_THAT(ToText(*report, absl::UTCTimeZone()), HasSubstr("no longer kept"));

  v1::EvidenceBundle bundle = *exported;
  bundle.add_commands_removed(std::string(32, '\xff'));
  EXPECT_THAT(Fault(bundle), HasSubstr("it was added"));
  bundle = *exported;
  bundle.add_commands_removed(bundle.commands_removed(bundle.commands_removed_size() - 1));
  EXPECT_THAT(Fault(bundle), HasSubstr("listed twice"));
  bundle = Export();
  bundle.add_commands_removed(Sha256(bundle.commands(1).SerializeAsString()));
  EXPECT_THAT(Fault(bundle), HasSubstr("in the file all the same"));
}

TEST_F(EvidenceTest, PayloadsSwappedBetweenRecords) {
  v1::EvidenceBundle bundle = Export();
  // The newest transition, which nobody has acted on yet: only the seal tells.
  Change(LinkAt(bundle, kNotification, 9), [](v1::Transition& t) {
    t.mutable_events(0)->mutable_sealed()->swap(
        *t.mutable_deliveries(0)->mutable_message()->mutable_sealed());
  });
  Rechain(*bundle.mutable_chains(kNotification));
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(Topic(kNotification, 9)), HasSubstr("swapped")));
}

TEST_F(EvidenceTest, WrongKey) {
  v1::EvidenceBundle bundle = Export();
  bundle.mutable_youth_key()->at(0) ^= 1;
  EXPECT_THAT(Fault(bundle), HasSubstr("command-report"));
  bundle.set_youth_key("short");
  EXPECT_THAT(Fault(bundle), HasSubstr("youth_key"));
}

TEST_F(EvidenceTest, TailCutOff) {
  v1::EvidenceBundle bundle = Export();
  bundle.mutable_chains(kIntake)->mutable_links()->RemoveLast();
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(Topic(kIntake, 4)), HasSubstr("missing"),
                                   HasSubstr(Topic(kNotification, 9))));
  // Nobody acted on the newest notice: then only the head, kept elsewhere, tells.
  bundle = Export();
  bundle.mutable_chains(kNotification)->mutable_links()->RemoveLast();
  const absl::StatusOr<EvidenceReport> report = VerifyEvidence(File(bundle));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->heads[kNotification].sequence, 8u);
}

TEST_F(EvidenceTest, ChainRemovedRepeatedOrOfElsewhere) {
  v1::EvidenceBundle bundle = Export();
  bundle.mutable_chains()->DeleteSubrange(kIntake, 1);
  EXPECT_THAT(Fault(bundle), HasSubstr("porchlight.notification.events"));
  bundle = Export();
  *bundle.add_chains() = bundle.chains(0);
  EXPECT_THAT(Fault(bundle), HasSubstr("twice"));
  bundle = Export();
  bundle.mutable_chains(1)->set_partition(world_.partition + 1);
  EXPECT_THAT(Fault(bundle), HasSubstr("another partition"));
  bundle = Export();
  bundle.clear_chains();
  EXPECT_NE(Fault(bundle), "no fault found");
  bundle.clear_commands();
  EXPECT_THAT(Fault(bundle), HasSubstr("nothing of its episode"));
}

TEST_F(EvidenceTest, OfAnotherEpisodeYouthOrAgency) {
  v1::EvidenceBundle bundle = Export();
  bundle.set_episode_id("youth-own_e2");
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kNotification, 1)));
  bundle = Export();
  bundle.set_youth_id(world_.other_youth);
  EXPECT_THAT(Fault(bundle), HasSubstr("not one of its youth"));
  bundle = Export();
  bundle.set_agency_id("agency-2");
  EXPECT_THAT(Fault(bundle), HasSubstr(Topic(kIntake, 1)));
}

// One row: what somebody rewrites in the newest notices, with the whole chain after it.
struct Rewriting {
  std::string name;
  int sequence;
  std::function<void(v1::Transition&)> change;
  std::string meaning;
};

TEST_F(EvidenceTest, RewrittenClaimsContradictTheRest) {
  const Rewriting rows[] = {
      {"the event that led to it never was", 9,
       [](v1::Transition& t) { t.mutable_input()->mutable_digest()->at(0) ^= 1; },
       "is in no chain of the file"},
      {"another event's id", 9,
       [](v1::Transition& t) { t.mutable_input()->set_input_id("another"); }, "another one"},
      {"another command's id", 8,
       [](v1::Transition& t) { t.mutable_input()->set_input_id("another"); }, "another"},
      {"another type", 9,
       [](v1::Transition& t) { t.mutable_input()->set_type("porchlight.v1.EpisodeOpened"); },
       "another one"},
      {"no cause", 9, [](v1::Transition& t) { t.clear_input(); }, "what led to it"},
      {"cause of an event", 9,
       [](v1::Transition& t) {
         v1::RecordHeader header;
         header.ParseFromString(t.events(0).header());
         header.set_cause_id("another");
         t.mutable_events(0)->set_header(header.SerializeAsString());
       },
       "doesn't belong to its header"},
      {"attempt of a delivery that never was", 6,
       [](v1::Transition& t) { t.mutable_attempts(0)->set_delivery_id("another"); },
       "no such delivery"},
      {"delivery made twice", 9, [](v1::Transition& t) { *t.add_deliveries() = t.deliveries(0); },
       "made before"},
      {"outcome of another command", 8,
       [](v1::Transition& t) { t.mutable_outcome()->set_command_id("another"); },
       "outcome is of another command"},
      {"place in the aggregate", 9,
       [](v1::Transition& t) { t.set_aggregate_sequence(t.aggregate_sequence() + 1); },
       "left out or added"},
      {"another service", 9, [](v1::Transition& t) { t.set_service("intake"); },
       "another youth, agency or service"},
      {"another aggregate", 9, [](v1::Transition& t) { t.set_aggregate_id("youth-own_e7"); },
       "another aggregate"},
  };
  for (const Rewriting& row : rows) {
    v1::EvidenceBundle bundle = Export();
    Change(LinkAt(bundle, kNotification, row.sequence), row.change);
    Rechain(*bundle.mutable_chains(kNotification));
    EXPECT_THAT(Fault(bundle),
                AllOf(HasSubstr(Topic(kNotification, row.sequence)), HasSubstr(row.meaning)))
        << row.name;
  }
}

TEST_F(EvidenceTest, NothingCanHideInUnknownFields) {
  v1::EvidenceBundle bundle = Export();
  v1::EvidenceLink& link = LinkAt(bundle, kIntake, 2);
  link.GetReflection()->MutableUnknownFields(&link)->AddLengthDelimited(77, "hidden");
  EXPECT_THAT(Fault(bundle), HasSubstr("fields that this version doesn't know"));
}

TEST_F(EvidenceTest, TextIsForPeople) {
  absl::TimeZone chicago = absl::FixedTimeZone(-6 * 60 * 60);
  EvidenceReport report = *VerifyEvidence(File(Export()));
  report.timeline[0].record_id = std::string(300, 'x');
  report.timeline[1].actor.set_actor_id("\x1b[2Jgone");
  const std::string text = ToText(report, chicago);
  for (absl::string_view line : absl::StrSplit(text, '\n')) EXPECT_LE(line.size(), 100u) << line;
  EXPECT_EQ(text.back(), '\n');
  std::string words = text;
  absl::RemoveExtraAsciiWhitespace(&words);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(words, HasSubstr("2026-01-31 20:11:00 -0600 Report: a youth is missing from care; "
                               "told by worker-7, phone"));
  EXPECT_THAT(words, HasSubstr("Attempt 1 to law enforcement desk-1 by webhook: a failure that may "
                               "pass (code 503); will be sent again"));
  EXPECT_THAT(words, HasSubstr("the far end accepted it (code 202)"));
  EXPECT_THAT(words, HasSubstr("the far end refused it (code 550); given up"));
  EXPECT_THAT(words, HasSubstr("To be sent again to ncmec center by email, as a person asked"));
  EXPECT_LT(words.find("(code 550)"), words.find("Notice given up"));
  EXPECT_THAT(text, HasSubstr(report.key_fingerprint));
  EXPECT_THAT(text, HasSubstr(report.heads[0].hash_hex));
}

TEST(EvidenceServiceTest, StreamsTheFileInParts) {
  EvidenceLog world(std::string(3u << 20, 'n'));
  const ManualClock clock(world.start);
  rpc::Gate gate(clock);
  EvidenceService service(world.Sources(), gate);
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = v1::Evidence::NewStub(server->InProcessChannel({}));
  const auto call = [&](const std::string& episode_id, std::vector<std::string>& parts) {
    grpc::ClientContext context;
    v1::ExportEvidenceRequest request;
    request.set_episode_id(episode_id);
    const auto reader = stub->Export(&context, request);
    v1::ExportEvidencePart part;
    while (reader->Read(&part)) parts.push_back(part.content());
    return reader->Finish();
  };
  std::vector<std::string> parts;
  EXPECT_TRUE(call(world.episode, parts).ok());
  EXPECT_EQ(parts.size(), 4u);
  std::string file;
  for (const std::string& part : parts) {
    EXPECT_LE(part.size(), 1u << 20);
    file += part;
  }
  EXPECT_TRUE(VerifyEvidence(file).ok());

  parts.clear();
  EXPECT_EQ(call("youth-own_e9", parts).error_code(), grpc::StatusCode::NOT_FOUND);
  const grpc::Status refused = call("A Name Somebody Typed", parts);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), Not(HasSubstr("Somebody")));
  EXPECT_EQ(call("youth-own", parts).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(parts.empty());
}

}  // namespace
}  // namespace porchlight::testing::evidence_test
