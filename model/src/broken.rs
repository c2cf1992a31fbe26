//! Each rule of the protocol, broken on purpose.
//!
//! Most are Writ's own rules. The last two are none: they are what the model takes for granted about people and
//! servers, broken to show that something rests on it.

use crate::bounds::Bounds;
use crate::promises;

macro_rules! broken {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $promise:ident, $bounds:ident;)+) => {
        /// One rule that is broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Broken {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Broken {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What is done wrong, in a few words.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The promise that falls with it.
            #[must_use]
            pub fn promise(self) -> &'static str {
                match self {
                    $(Self::$variant => promises::$promise,)+
                }
            }

            /// The bounds in which it shows.
            #[must_use]
            pub fn bounds(self) -> Bounds {
                match self {
                    $(Self::$variant => Bounds::$bounds,)+
                }
            }
        }
    };
}

broken! {
    /// A server sends first and records its intent afterwards.
    SentBeforeIntent = "sent before the intent is recorded", INTENT_FIRST, ONE_OPAQUE;
    /// A request whose answer was lost counts as never sent.
    NoAnswerIsNotSent = "no answer counts as not sent", NOT_DENIED, ONE_OPAQUE;
    /// An effect of an integration that knows no keys is sent again.
    OpaqueSentAgain = "an opaque effect is sent again", ONCE, ONE_OPAQUE;
    /// What is sent again has a key of its own.
    KeyOfTheAttempt = "the key is made from the attempt", ONCE, ONE_KEYED;
    /// An intent is recorded after the decision's deadline.
    DeadlineIgnored = "the deadline is ignored", IN_TIME, ONE_OPAQUE;
    /// An intent is recorded for a run that has ended.
    StopIgnored = "a run's end is ignored", RUN_OPEN, ONE_OPAQUE;
    /// The policy is not asked again before sending.
    PolicyNotCheckedAgain = "the policy is not checked again", SAME_POLICY, ONE_OPAQUE;
    /// A new policy comes into force between the last check and the intent.
    PolicyDoesNotWait = "a new policy does not wait for a check that is under way", SAME_POLICY, ONE_OPAQUE;
    /// A vote counts whatever the person was shown.
    VoteOnOtherBytesCounts = "a vote on other bytes counts", APPROVED, ONE_OPAQUE;
    /// The bytes that are sent are not those that were approved.
    OtherBytesSent = "other bytes are sent than were approved", APPROVED, ONE_OPAQUE;
    /// The person that the run acts for votes by another account.
    SecondAccountVotes = "the person acted for votes by a second account", APPROVED, ONE_OPAQUE;
    /// One approval is enough where two are needed.
    OneApprovalIsEnough = "one approval is enough for two", APPROVED, ONE_OPAQUE;
    /// A vote is acknowledged, and written later.
    AcknowledgedBeforeWritten = "a vote is acknowledged before it is written", VOTES_STAY, ONE_OPAQUE;
    /// A vote is added to what the person saw, and that is written over what there is.
    VoteOverwritesWhatWasSeen = "a vote is written over what was seen", VOTES_STAY, ONE_OPAQUE;
    /// Nobody holds an effect key.
    EffectKeyNotHeld = "effect keys are not held", ONE_OF_A_KEY, TWO_OF_A_KEY;
    /// A run forgets what it has called, so that a rejected call is proposed again.
    RejectionForgotten = "a rejected call is proposed again", ONE_STANDS, SAME_CALL;
    /// A server that was given up records what came of its attempt, as if the present attempt were its own.
    RecordsAfterTakeOver = "a server records what was taken from it", NOT_DENIED, ONE_KEYED;
    /// Taken for granted: nobody takes over what another server is about to send.
    TakenFromWhoeverSends = "taken over from a server that is about to send", NOT_DENIED, ONE_OPAQUE;
    /// Taken for granted: a person who settles an outcome waits until nothing of it can still arrive.
    SettledTooEarly = "settled while the request may still arrive", NOT_DENIED, ONE_OPAQUE;
}
