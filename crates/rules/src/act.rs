//! A service's rules in slices: each command and each fact is handled by one `impl` of each trait here, beside the others
//! of the same act of business, and the list of facts makes sure that none is missing.

use core::fmt::Debug;

use crate::{Commit, Context, Decider, Entity, Event, Rejection, State, Subject};

/// A command: what it asks for is decided as one fact, or refused.
pub trait Decide<D: Decider> {
    type Fact;

    /// Asks for the entities that the decision needs.
    fn keys(&self, missing: &mut Missing<'_, D>);

    fn decide(&self, state: &State<D>, context: &Context) -> Result<Self::Fact, Rejection>;
}

/// A fact of the service itself: what it changes. Holds no rules, and fails on no fact that was decided.
pub trait Evolve<D: Decider> {
    /// Asks for the entities that it changes. What it creates, and cells of stock, need not be asked for.
    fn keys(&self, missing: &mut Missing<'_, D>);

    fn evolve(&self, state: &mut State<D>);
}

/// A fact of another service that this one keeps something of.
pub trait ApplyUpstream<D: Decider> {
    /// Asks for the entities that it changes.
    fn keys(&self, missing: &mut Missing<'_, D>);

    fn apply_upstream(&self, state: &mut State<D>);
}

/// A fact of another service that this one answers.
pub trait Answer<D: Rules> {
    /// Asks for the entities that the answer is decided on, and those that folding it changes.
    fn keys(&self, missing: &mut Missing<'_, D>);

    /// Adds at least one fact to the answers.
    fn answer(&self, answers: &mut Answers<'_, D>);
}

/// Collects keys that nothing is known of.
#[derive(Debug)]
pub struct Missing<'s, D: Decider> {
    state: &'s State<D>,
    keys: Vec<<D::Entity as Entity>::Key>,
}

impl<'s, D: Decider> Missing<'s, D> {
    pub(crate) const fn new(state: &'s State<D>) -> Self {
        Self { state, keys: Vec::new() }
    }

    /// What is known: what it says may lead to more keys.
    pub const fn state(&self) -> &'s State<D> {
        self.state
    }

    pub fn ask(&mut self, key: impl Into<<D::Entity as Entity>::Key>) {
        let key = key.into();
        if !self.state.entities.is_known(&key) && !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    pub fn ask_all(&mut self, keys: impl IntoIterator<Item = <D::Entity as Entity>::Key>) {
        for key in keys {
            self.ask(key);
        }
    }
}

/// The answer to one commit, in the making.
#[derive(Debug)]
pub struct Answers<'a, D: Rules> {
    pub state: &'a State<D>,
    pub context: &'a Context,
    /// What the answers so far have come to, beyond the state.
    pub draft: D::Draft,
    facts: Vec<D::Fact>,
}

impl<D: Rules> Answers<'_, D> {
    pub fn say(&mut self, fact: impl Into<D::Fact>) {
        self.facts.push(fact.into());
    }
}

/// The rules of a service as slices: what [`rules!`](crate::rules) makes of the list of facts.
pub trait Rules: Decider {
    /// An event of the service.
    type Fact: Into<Event> + Debug;
    /// What the answers to one commit know of each other, beyond the state.
    type Draft: Default + Debug;

    fn keys_of_own(event: &Event, missing: &mut Missing<'_, Self>);
    fn evolve_own(event: &Event, state: &mut State<Self>);
    fn keys_of_heard(event: &Event, missing: &mut Missing<'_, Self>);
    fn apply_heard(event: &Event, state: &mut State<Self>);
    fn answer_heard(event: &Event, answers: &mut Answers<'_, Self>);

    /// [`Decider::keys`].
    fn all_keys(state: &State<Self>, subject: Subject<'_, Self::Command>) -> Vec<<Self::Entity as Entity>::Key>
    where
        Self::Command: Decide<Self>,
    {
        let mut missing = Missing::new(state);
        match subject {
            Subject::Command(command) => command.keys(&mut missing),
            Subject::Own(commit) => commit.events.iter().for_each(|event| Self::keys_of_own(event, &mut missing)),
            Subject::Upstream(commit) => commit.heard().for_each(|event| Self::keys_of_heard(event, &mut missing)),
        }
        missing.keys
    }

    /// [`Decider::react`].
    fn answers(state: &State<Self>, upstream: &Commit, context: &Context) -> Vec<Event> {
        let mut answers = Answers { state, context, draft: Self::Draft::default(), facts: Vec::new() };
        upstream.heard().for_each(|event| Self::answer_heard(event, &mut answers));
        debug_assert!(
            !answers.facts.is_empty() || !upstream.events.iter().any(Self::concerns),
            "no answer to {upstream:?}"
        );
        answers.facts.into_iter().map(Into::into).collect()
    }
}

/// The commands of a service: `Command(Type) => …`, in the order of its contract.
#[macro_export]
macro_rules! commands {
    ($rules:ident { $($command:ident($asked:ty)),* $(,)? }) => {
        /// What the service can be asked to do. Shapes are checked already; existence and rules are not.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Command {
            $($command($asked),)*
        }

        impl $crate::Decide<$rules> for Command {
            type Fact = Event;

            fn keys(&self, missing: &mut $crate::Missing<'_, $rules>) {
                match self {
                    $(Self::$command(asked) => $crate::Decide::keys(asked, missing),)*
                }
            }

            fn decide(
                &self,
                state: &$crate::State<$rules>,
                context: &$crate::Context,
            ) -> Result<Event, $crate::Rejection> {
                match self {
                    $(Self::$command(asked) => $crate::Decide::decide(asked, state, context).map(Into::into),)*
                }
            }
        }
    };
}

/// Implements [`Decider`] and [`Rules`] for a service: its module of facts, its rules, whom it hears, its entities, the
/// index over them, and what the answers to one commit know of each other.
#[macro_export]
macro_rules! rules {
    ($service:ident $rules:ident hears [$($upstream:ident),*], $entity:ty, $index:ty, $draft:ty) => {
        impl $crate::Decider for $rules {
            const SERVICE: $crate::types::Service = $crate::types::Service::$rules;
            const UPSTREAM: &'static [$crate::types::Service] = &[$($crate::types::Service::$upstream),*];

            type Command = Command;
            type Entity = $entity;
            type Index = $index;

            fn keys(
                state: &$crate::State<Self>,
                subject: $crate::Subject<'_, Command>,
            ) -> Vec<<$entity as $crate::Entity>::Key> {
                <Self as $crate::Rules>::all_keys(state, subject)
            }

            fn decide(
                state: &$crate::State<Self>,
                command: &Command,
                context: &$crate::Context,
            ) -> Result<Vec<$crate::facts::Event>, $crate::Rejection> {
                Ok(vec![$crate::Decide::decide(command, state, context)?.into()])
            }

            fn evolve(state: &mut $crate::State<Self>, event: &$crate::facts::Event, _: &$crate::facts::Commit) {
                <Self as $crate::Rules>::evolve_own(event, state);
            }

            fn apply_upstream(state: &mut $crate::State<Self>, upstream: &$crate::facts::Commit) {
                upstream.heard().for_each(|event| <Self as $crate::Rules>::apply_heard(event, state));
            }

            fn concerns(event: &$crate::facts::Event) -> bool {
                event.asks(Self::SERVICE)
            }

            fn react(
                state: &$crate::State<Self>,
                upstream: &$crate::facts::Commit,
                context: &$crate::Context,
            ) -> Vec<$crate::facts::Event> {
                <Self as $crate::Rules>::answers(state, upstream, context)
            }
        }

        use $crate::__dispatch_of;
        $crate::facts::facts!(__dispatch_of $service $rules $draft;);
    };
}

/// The list of facts as one service sees it: its own facts, and its column of what it hears of the others.
#[doc(hidden)]
#[macro_export]
macro_rules! __dispatch_of {
    ($reader:ident $rules:ident $draft:ty; $(
        $service:ident $variant:ident $package:literal {
            $($fact:ident $ledger:tt [$procurement:tt $station:tt $distribution:tt $sales:tt];)*
        }
    )*) => {
        $crate::__dispatch! { $reader $rules $draft; $(
            $service $variant { $($fact ($procurement $station $distribution $sales);)* }
        )* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __dispatch {
    ($reader:ident $rules:ident $draft:ty; $($list:tt)*) => {
        impl $crate::Rules for $rules {
            type Fact = $crate::facts::$reader::Event;
            type Draft = $draft;

            fn keys_of_own(event: &$crate::facts::Event, missing: &mut $crate::Missing<'_, Self>) {
                $crate::__each_fact!(keys_of_own $reader $rules event missing; $($list)*)
            }

            fn evolve_own(event: &$crate::facts::Event, state: &mut $crate::State<Self>) {
                $crate::__each_fact!(evolve_own $reader $rules event state; $($list)*)
            }

            fn keys_of_heard(event: &$crate::facts::Event, missing: &mut $crate::Missing<'_, Self>) {
                $crate::__each_fact!(keys_of_heard $reader $rules event missing; $($list)*)
            }

            fn apply_heard(event: &$crate::facts::Event, state: &mut $crate::State<Self>) {
                $crate::__each_fact!(apply_heard $reader $rules event state; $($list)*)
            }

            fn answer_heard(event: &$crate::facts::Event, answers: &mut $crate::Answers<'_, Self>) {
                $crate::__each_fact!(answer_heard $reader $rules event answers; $($list)*)
            }
        }
    };
}

/// Does with each fact what `$what` says; nothing with those that every service says.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_fact {
    (
        $what:ident $reader:ident $rules:ident $event:ident $with:ident;
        $($service:ident $variant:ident { $($fact:ident $cells:tt;)* })*
    ) => {
        match $event {$(
            $($crate::facts::Event::$variant($crate::facts::$service::Event::$fact(fact)) => {
                $crate::__with_fact!($what $reader $service $cells $rules fact $with);
            })*
            $crate::facts::Event::$variant(
                $crate::facts::$service::Event::UpstreamIgnored(_)
                | $crate::facts::$service::Event::AnswerRepeated(_)
                | $crate::facts::$service::Event::TailLost(_),
            ) => {}
        )*}
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __with_fact {
    (keys_of_own $reader:ident $service:ident $cells:tt $rules:ident $fact:ident $missing:ident) => {
        $crate::__if_own!($reader $service $fact { $crate::Evolve::<$rules>::keys($fact, $missing) })
    };
    (evolve_own $reader:ident $service:ident $cells:tt $rules:ident $fact:ident $state:ident) => {
        $crate::__if_own!($reader $service $fact { $crate::Evolve::<$rules>::evolve($fact, $state) })
    };
    (keys_of_heard $reader:ident $service:ident $cells:tt $rules:ident $fact:ident $missing:ident) => {
        $crate::__if_applied!($reader $cells $fact { $crate::ApplyUpstream::<$rules>::keys($fact, $missing) });
        $crate::__if_answered!($reader $cells $fact { $crate::Answer::<$rules>::keys($fact, $missing) });
    };
    (apply_heard $reader:ident $service:ident $cells:tt $rules:ident $fact:ident $state:ident) => {
        $crate::__if_applied!($reader $cells $fact { $crate::ApplyUpstream::<$rules>::apply_upstream($fact, $state) })
    };
    (answer_heard $reader:ident $service:ident $cells:tt $rules:ident $fact:ident $answers:ident) => {
        $crate::__if_answered!($reader $cells $fact { $crate::Answer::<$rules>::answer($fact, $answers) })
    };
}

/// What a service does with facts of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! __if_own {
    (procurement procurement $fact:ident $do:block) => {
        $do
    };
    (station station $fact:ident $do:block) => {
        $do
    };
    (distribution distribution $fact:ident $do:block) => {
        $do
    };
    (sales sales $fact:ident $do:block) => {
        $do
    };
    ($reader:ident $service:ident $fact:ident $do:block) => {
        let _ = $fact;
    };
}

/// What a reader keeps of a fact, if its column says that it does.
#[doc(hidden)]
#[macro_export]
macro_rules! __if_applied {
    (procurement ($cell:tt $s:tt $d:tt $l:tt) $fact:ident $do:block) => { $crate::__if_applied!($cell $fact $do) };
    (station ($p:tt $cell:tt $d:tt $l:tt) $fact:ident $do:block) => { $crate::__if_applied!($cell $fact $do) };
    (distribution ($p:tt $s:tt $cell:tt $l:tt) $fact:ident $do:block) => { $crate::__if_applied!($cell $fact $do) };
    (sales ($p:tt $s:tt $d:tt $cell:tt) $fact:ident $do:block) => { $crate::__if_applied!($cell $fact $do) };
    (apply $fact:ident $do:block) => { $do };
    (both $fact:ident $do:block) => { $do };
    (answer $fact:ident $do:block) => { let _ = $fact; };
    (asked $fact:ident $do:block) => { let _ = $fact; };
    (_ $fact:ident $do:block) => { let _ = $fact; };
}

/// What a reader answers to a fact, if its column says that it does and, where it depends on that, the fact asks it.
#[doc(hidden)]
#[macro_export]
macro_rules! __if_answered {
    (procurement ($cell:tt $s:tt $d:tt $l:tt) $fact:ident $do:block) => {
        $crate::__if_answered!($cell Procurement $fact $do)
    };
    (station ($p:tt $cell:tt $d:tt $l:tt) $fact:ident $do:block) => {
        $crate::__if_answered!($cell Station $fact $do)
    };
    (distribution ($p:tt $s:tt $cell:tt $l:tt) $fact:ident $do:block) => {
        $crate::__if_answered!($cell Distribution $fact $do)
    };
    (sales ($p:tt $s:tt $d:tt $cell:tt) $fact:ident $do:block) => {
        $crate::__if_answered!($cell Sales $fact $do)
    };
    (answer $reader:ident $fact:ident $do:block) => { $do };
    (asked $reader:ident $fact:ident $do:block) => {
        if $crate::facts::Asks::asks($fact, $crate::types::Service::$reader) $do
    };
    (both $reader:ident $fact:ident $do:block) => { $crate::__if_answered!(asked $reader $fact $do) };
    (apply $reader:ident $fact:ident $do:block) => { let _ = $fact; };
    (_ $reader:ident $fact:ident $do:block) => { let _ = $fact; };
}
