/* The chain rule (deploy/adr/0002), checked for every order of steps within the bounds below.
 *
 * Two writers both believe that they own one partition. Each folds the log, decides the next inputs of
 * two sources in whatever order it likes, appends a batch of one or two decisions, and tells the world
 * of those that it takes to count. Answers get lost, batches come late, split or never, writers crash
 * and start again from any older fold. What must hold whatever happens:
 *
 *   once      every input is decided exactly once in the counted history, and in its source's order
 *   effect    an effect is only ever performed for a decision that counts
 *   agree     a fold of the log, however it was come by, is the fold that a reader from the start has
 *   damage    where the log writes only winners (CONDITIONAL), every record in it counts
 *   end       once faults stop, every input is decided and its effect performed, without a restart
 *
 * The hash is modelled as an injective function of the previous hash and the content: two hashes are
 * equal exactly if all of the history before them is. The same input decided twice is the same content
 * or not (the time of the decision is part of it): `salt`.
 *
 * Compile-time choices: CONDITIONAL (an engine that checks the expected end, as SQLite's; without it
 * records of the loser stay in the log, as in Kafka). LIVENESS adds the formula `ends`. Each of these
 * weakens the design, and must be caught: NO_CHAIN_CHECK, SEQUENCE_ONLY, EFFECT_BEFORE_ACCEPT, NO_REFOLD,
 * STOPS_WHEN_LOST.
 */

#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 2
#endif

#ifndef X_INPUTS
#define X_INPUTS 2
#endif
#define Y_INPUTS 1
#define LOG_MAX 16

#define BATCH_MAX 2
#define FOLDING 0
#define DECIDED 1
#define ANSWERED 2
#define STOPPED 3

typedef Record {
  int previous_hash;
  byte sequence;
  byte source;
  byte index;
  byte salt
};

typedef Fold {
  byte position; /* where to go on reading */
  int hash;
  byte sequence;
  byte decided[2] /* by source */
};

typedef Batch {
  Record record[BATCH_MAX];
  byte expected_end;
  byte length
};

/* A hash that no history has. */
#define NO_HISTORY -1

/* Injective: a content is one of 1..8, and a hash is the string of the contents so far in base 9. */
#define HASH(r) (r.previous_hash * 9 + 1 + r.source + 2 * r.index + 4 * r.salt)

#if defined(NO_CHAIN_CHECK)
#define COUNTS(f, r) (true)
#elif defined(SEQUENCE_ONLY)
#define COUNTS(f, r) (r.sequence == f.sequence + 1)
#else
#define CHAIN_RULE
#define COUNTS(f, r) (r.previous_hash == f.hash && r.sequence == f.sequence + 1)
#endif

#define COMPLETE(f) (f.decided[0] == X_INPUTS && f.decided[1] == Y_INPUTS)
#define EFFECT_OF(r) (1 << (r.source * X_INPUTS + r.index))
#define EVERY_EFFECT ((1 << (X_INPUTS + Y_INPUTS)) - 1)

Record log[LOG_MAX];
byte log_length;
/* What a reader from the start has counted: the history that everybody is held to. */
Fold truth;
short counted; /* bit i: the record at offset i counts */
byte performed; /* effects: bits of EFFECT_OF */

/* Batches whose writer was told `unknown`: they will be written later. */
Batch late[UNKNOWNS + 1];
byte late_length;

byte crashes_left;
byte unknowns_left;

/* Scratch, not part of the state. */
hidden Fold check;
hidden Record incoming;
hidden byte i;

#define COPY_RECORD(to, from)                                                                  \
  to.previous_hash = from.previous_hash; to.sequence = from.sequence; to.source = from.source; \
  to.index = from.index; to.salt = from.salt
#define CLEAR_RECORD(r) \
  r.previous_hash = 0; r.sequence = 0; r.source = 0; r.index = 0; r.salt = 0

inline clear_batch(b) {
  CLEAR_RECORD(b.record[0]);
  CLEAR_RECORD(b.record[1]);
  b.expected_end = 0;
  b.length = 0;
}

inline fold_one(f) {
  if
  :: COUNTS(f, log[f.position]) ->
     f.hash = HASH(log[f.position]);
     f.sequence++;
     f.decided[log[f.position].source] = log[f.position].index + 1
  :: else
  fi;
  f.position++
}

inline fold_up_to(f, end) {
  f.position = 0;
  f.hash = 0;
  f.sequence = 0;
  f.decided[0] = 0;
  f.decided[1] = 0;
  do
  :: f.position < end -> fold_one(f)
  :: else -> break
  od
}

inline check_agrees(f) {
  fold_up_to(check, f.position);
  assert(check.hash == f.hash && check.sequence == f.sequence); /* agree */
  assert(check.decided[0] == f.decided[0] && check.decided[1] == f.decided[1])
}

inline perform_effect(offset) {
  assert(counted & (1 << (offset))); /* effect */
  performed = performed | EFFECT_OF(log[offset])
}

inline write_incoming() {
  assert(log_length < LOG_MAX);
  COPY_RECORD(log[log_length], incoming);
  if
  :: COUNTS(truth, incoming) ->
     assert(incoming.index == truth.decided[incoming.source]); /* once */
     counted = counted | (1 << log_length)
  :: else ->
#ifdef CONDITIONAL
     assert(false); /* damage */
#endif
#ifdef CHAIN_RULE
     /* No later tail has this hash again, so nobody who agrees so far can ever count the record: what
      * it says needn't be told apart any more. Only its offset still matters. */
     CLEAR_RECORD(log[log_length]);
     log[log_length].previous_hash = NO_HISTORY;
#endif
     skip
  fi;
  log_length++;
  fold_one(truth)
}

#define WRITE(r)            \
  COPY_RECORD(incoming, r); \
  write_incoming()

/* Decides up to `length` next inputs, of either source, on top of what the writer has folded. */
inline decide(f, b) {
  b.expected_end = expected_end;
  b.length = 0;
  next[0] = f.decided[0];
  next[1] = f.decided[1];
  salt = 0;
  if
  :: log_length > expected_end || late_length > 0 -> salt = 1
  :: true
  fi;
  do
  :: b.length < BATCH_MAX && next[0] < X_INPUTS -> add_decision(f, b, 0)
  :: b.length < BATCH_MAX && next[1] < Y_INPUTS -> add_decision(f, b, 1)
  :: b.length > 0 -> break
  od;
  next[0] = 0;
  next[1] = 0;
  salt = 0
}

inline add_decision(f, b, from) {
  b.record[b.length].source = from;
  b.record[b.length].index = next[from];
  b.record[b.length].salt = salt;
  b.record[b.length].sequence = f.sequence + 1 + b.length;
  if
  :: b.length == 0 -> b.record[0].previous_hash = f.hash
  :: else -> b.record[1].previous_hash = HASH(b.record[0])
  fi;
  next[from]++;
  b.length++
}

proctype Writer() {
  Fold mine;
  Batch batch;
  byte mode = FOLDING;
  byte expected_end;
  byte first_offset;
  byte appended;
  byte next[2];
  bit salt;
  byte restart;

end:
  do
  :: d_step { /* Reads to the end. In one step: how far it had read before changes nothing for anybody. */
       mode == FOLDING && (mine.position < log_length || !COMPLETE(mine)) ->
       do
       :: mine.position < log_length ->
          if
          :: COUNTS(mine, log[mine.position]) -> perform_effect(mine.position)
          :: else
          fi;
          fold_one(mine)
       :: else -> break
       od;
       check_agrees(mine);
       if
       :: !COMPLETE(mine) ->
          expected_end = mine.position;
          mode = DECIDED
       :: else
       fi
     }

  :: atomic {
       mode == DECIDED ->
       decide(mine, batch);
       if
       :: /* The answer comes: where the records stand. */
          d_step {
            first_offset = log_length;
            appended = batch.length;
#ifdef CONDITIONAL
            if
            :: first_offset == expected_end
#endif
               WRITE(batch.record[0]);
               if
               :: batch.length == 2 -> WRITE(batch.record[1])
               :: else
               fi;
#ifdef CONDITIONAL
            :: else
            fi;
#endif
            mode = ANSWERED
          }
       :: unknowns_left > 0 -> /* No answer comes, and it will be written some time ... */
          d_step {
            unknowns_left--;
            COPY_RECORD(late[late_length].record[0], batch.record[0]);
            COPY_RECORD(late[late_length].record[1], batch.record[1]);
            late[late_length].length = batch.length;
#ifdef CONDITIONAL
            late[late_length].expected_end = batch.expected_end;
#endif
            late_length++;
            mode = FOLDING
          }
       :: unknowns_left > 0 -> /* ... or never. Of a batch of two only one: that is as a batch of one. */
          d_step {
            unknowns_left--;
            mode = FOLDING
          }
       fi;
       d_step {
         clear_batch(batch);
         expected_end = (mode == ANSWERED -> expected_end : 0)
       }
     }

  :: d_step {
       mode == ANSWERED ->
       if
#ifndef EFFECT_BEFORE_ACCEPT
       :: first_offset == expected_end ->
#else
       :: true ->
#endif
          /* Accepted: they count, so they are passed over without reading them back. */
          i = 0;
          do
          :: i < appended ->
             perform_effect(first_offset + i);
             mine.hash = HASH(log[first_offset + i]);
             mine.sequence++;
             mine.decided[log[first_offset + i].source] = log[first_offset + i].index + 1;
             i++
          :: else -> break
          od;
          mine.position = first_offset + appended;
          check_agrees(mine);
          mode = FOLDING;
          expected_end = 0
#ifndef EFFECT_BEFORE_ACCEPT
       :: else -> /* Lost the race. The records may stand in the log, and may even count. */
#if defined(NO_REFOLD)
          expected_end = log_length;
          mode = DECIDED
#elif defined(STOPS_WHEN_LOST)
          mode = STOPPED
#else
          expected_end = 0;
          mode = FOLDING
#endif
#endif
       fi;
       first_offset = 0;
       appended = 0
     }

  :: d_step { /* Crashes, and starts again from a store that was folded up to anywhere. */
       crashes_left > 0 ->
       crashes_left--;
       restart = 0;
       do
       :: restart <= log_length ->
          fold_up_to(mine, restart);
          do
          :: mine.position < log_length -> fold_one(mine)
          :: else -> break
          od;
          check_agrees(mine);
          restart++
       :: else -> break
       od;
       /* From anywhere it comes to the same, so one of them stands for all: the store was wiped. It will
        * perform all effects again, as those that the log doesn't know to be settled are. */
       fold_up_to(mine, 0);
       restart = 0;
       expected_end = 0;
       first_offset = 0;
       appended = 0;
       mode = FOLDING
     }
  od
}

inline forget_late(n) {
  i = n;
  do
  :: i + 1 < late_length ->
     COPY_RECORD(late[i].record[0], late[i + 1].record[0]);
     COPY_RECORD(late[i].record[1], late[i + 1].record[1]);
     late[i].expected_end = late[i + 1].expected_end;
     late[i].length = late[i + 1].length;
     i++
  :: else -> break
  od;
  late_length--;
  clear_batch(late[late_length])
}

/* Writes what was answered `unknown`: record by record, or as a whole and if still in time. */
proctype Network() {
  byte n;

end:
  do
  :: atomic {
       late_length > 0 ->
       n = 0;
       do
       :: n + 1 < late_length -> n++
       :: break
       od;
       skip; /* Spin lets no loop end right before a d_step. */
#ifdef CONDITIONAL
       d_step {
         if
         :: late[n].expected_end == log_length ->
            WRITE(late[n].record[0]);
            if
            :: late[n].length == 2 -> WRITE(late[n].record[1])
            :: else
            fi
         :: else
         fi;
         forget_late(n)
       };
#else
       d_step {
         WRITE(late[n].record[0]);
         if
         :: late[n].length == 2 -> /* What is left of it. */
            COPY_RECORD(late[n].record[0], late[n].record[1]);
            CLEAR_RECORD(late[n].record[1]);
            late[n].length = 1
         :: else -> forget_late(n)
         fi
       };
#endif
       n = 0
     }
  od
}

/* Runs when nothing else can. (The graph of states has no cycles: every step but an idle one uses up
 * inputs, faults or offsets. `ends` checks that too.) */
proctype Judge() {
  timeout;
  assert(COMPLETE(truth)); /* end */
  assert(performed == EVERY_EFFECT)
}

init {
  atomic {
    /* How many faults there will be: all histories with fewer are covered too. */
    do
    :: crashes_left < CRASHES -> crashes_left++
    :: break
    od;
    do
    :: unknowns_left < UNKNOWNS -> unknowns_left++
    :: break
    od;
    run Writer();
    run Writer();
    run Network();
    run Judge()
  }
}

#ifdef LIVENESS
ltl ends { <> (COMPLETE(truth) && performed == EVERY_EFFECT) }
#endif
