//! The one list of the entities of a state. [`entities!`](crate::entities) makes of it `Key` and `Entity`, when an
//! entity is closed, the methods that read it, and the list of tags for the code that stores it.

/// Declares the entities of a state, one in a line:
///
/// `tag Variant(key => entity) [when it is closed] [what reads it];`
///
/// * `tag` is what is stored for `Key::Variant` and `Entity::Variant`; a change of it is a change of the store's `SCHEMA`.
///   Keys are sorted by the order of the lines, not by tag.
/// * `[never]`, `[always]` (it is loaded when it is needed) or `[|entity| …]`:
///   [`Entity::is_closed`](crate::Entity::is_closed).
/// * `[name]` is a method that returns the entity, out of its box, if there is one. `[name or default]` returns a
///   default if there is none. `[_]`: other code reads it.
///
/// Before the semicolon, `or tag Variant(entity) […] […]` is another entity that the same key can have.
///
/// The head names the macro that passes the tags on, and where the methods stand: in a new trait for a service's state,
/// or in an `impl` beside one that has a method `entity`. `embeds Variant` is for a holder of stock: that variant holds
/// the entities of [`stock`](crate::stock).
#[macro_export]
macro_rules! entities {
    ($($list:tt)*) => {
        $crate::__entities! { ($) $($list)* }
    };
}

/// `$d` is the dollar sign, for the macro that this one defines.
#[doc(hidden)]
#[macro_export]
macro_rules! __entities {
    (($d:tt) $tags:ident, $readers:tt $(, embeds $stock:ident)?; $(
        $(#[$doc:meta])*
        $tag:literal $variant:ident($key:ty => $($entity:tt)+) $closed:tt $read:tt
        $($(#[$or_doc:meta])* or $or_tag:literal $or:ident($($or_entity:tt)+) $or_closed:tt $or_read:tt)*;
    )*) => {
        /// What an entity is found by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $($(#[$doc])* $variant($key),)*
        }

        /// What is remembered.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Entity {
            $($(#[$doc])* $variant($($entity)+), $($(#[$or_doc])* $or($($or_entity)+),)*)*
        }

        impl $crate::Entity for Entity {
            type Key = Key;

            fn is_closed(&self) -> bool {
                match self {$(
                    Self::$variant(entity) => $crate::__is_closed!($closed entity),
                    $(Self::$or(entity) => $crate::__is_closed!($or_closed entity),)*
                )*}
            }
        }

        // A tag that two lines have does not compile.
        $(
            impl $crate::Tagged<$tag> for Entity {}
            $(impl $crate::Tagged<$or_tag> for Entity {})*
        )*

        $crate::__readers! { $readers $(
            ($read $(#[$doc])* $variant($key) $variant($($entity)+))
            $(($or_read $(#[$or_doc])* $variant($key) $or($($or_entity)+)))*
        )* }

        $($crate::__embeds! { $stock })?

        /// Hands the tags of `Key` and `Entity`, which are in scope there, to a macro that knows how they are stored.
        #[macro_export]
        macro_rules! $tags {
            ($d callback:ident) => {
                $d callback! {
                    Key { $($tag => $variant(held),)* }
                    Entity { $($tag => $variant(held), $($or_tag => $or(held),)*)* }
                }
            };
        }
    };
}

/// An enum with a variant of this tag.
#[doc(hidden)]
pub trait Tagged<const TAG: u8> {}

#[doc(hidden)]
#[macro_export]
macro_rules! __is_closed {
    ([never] $held:ident) => {{
        let _ = $held;
        false
    }};
    ([always] $held:ident) => {{
        let _ = $held;
        true
    }};
    ([|$entity:ident| $closed:expr] $held:ident) => {{
        let $entity = $held;
        $closed
    }};
}

/// Where the methods stand that read entities: a service's rules cannot add to `State`, which is this crate's.
#[doc(hidden)]
#[macro_export]
macro_rules! __readers {
    ([trait $reads:ident for $rules:ident] $($reader:tt)*) => {
        /// What is asked of the state.
        pub trait $reads {
            /// What is kept under a key.
            fn entity(&self, key: Key) -> Option<&Entity>;

            $($crate::__reader! { $reader })*
        }

        impl $reads for $crate::State<$rules> {
            fn entity(&self, key: Key) -> Option<&Entity> {
                self.entities.get(&key)
            }
        }
    };
    ([impl<$holder:ident: $bound:ident> $state:ty] $($reader:tt)*) => {
        impl<$holder: $bound> $state {
            $($crate::__reader! { pub $reader })*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __reader {
    ($vis:vis ([_] $($entity:tt)*)) => {};
    ($vis:vis ([$name:ident] $(#[$doc:meta])* $key:ident($id:ty) $variant:ident($($entity:tt)+))) => {
        $(#[$doc])*
        $vis fn $name(&self, id: $id) -> Option<&$crate::__unboxed!($($entity)+)> {
            let Entity::$variant(entity) = self.entity(Key::$key(id))? else { return None };
            Some(entity)
        }
    };
    ($vis:vis (
        [$name:ident or default] $(#[$doc:meta])* $key:ident($id:ty) $variant:ident(Box<[$item:ty]>)
    )) => {
        $(#[$doc])*
        $vis fn $name(&self, id: $id) -> &[$item] {
            let Some(Entity::$variant(entity)) = self.entity(Key::$key(id)) else { return &[] };
            entity
        }
    };
    ($vis:vis ([$name:ident or default] $(#[$doc:meta])* $key:ident($id:ty) $variant:ident($entity:ty))) => {
        $(#[$doc])*
        $vis fn $name(&self, id: $id) -> $entity {
            let Some(Entity::$variant(entity)) = self.entity(Key::$key(id)) else { return Default::default() };
            *entity
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __unboxed {
    (Box<$entity:ty>) => {
        $entity
    };
    ($entity:ty) => {
        $entity
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __embeds {
    ($stock:ident) => {
        impl From<$crate::stock::Key> for Key {
            fn from(key: $crate::stock::Key) -> Self {
                Self::$stock(key)
            }
        }

        impl From<$crate::stock::Entity> for Entity {
            fn from(entity: $crate::stock::Entity) -> Self {
                Self::$stock(entity)
            }
        }

        impl $crate::stock::Embeds for Entity {
            fn stock(&self) -> Option<&$crate::stock::Entity> {
                let Self::$stock(entity) = self else { return None };
                Some(entity)
            }

            fn stock_key(key: &Key) -> Option<&$crate::stock::Key> {
                let Key::$stock(key) = key else { return None };
                Some(key)
            }
        }
    };
}
