//! Values that are read on behalf of a type whose name the reader of a file knows: see [`crate::text`].

use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Reads text on behalf of a type, which the reader knows by its name.
pub fn text_of<'de, D: Deserializer<'de>>(name: &'static str, deserializer: D) -> Result<String, D::Error> {
    named(name, deserializer)
}

/// Reads a value on behalf of another type, which the reader knows by its name.
pub fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    name: &'static str,
    deserializer: D,
) -> Result<T, D::Error> {
    struct Named<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
        type Value = T;

        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("a string")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            T::deserialize(deserializer)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(text))
        }
    }

    deserializer.deserialize_newtype_struct(name, Named(PhantomData))
}
