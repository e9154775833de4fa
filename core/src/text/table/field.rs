//! Fields of tables: what they say, and where.

use zeroize::Zeroizing;

use crate::{
    ident::Name,
    text::number::{Marks, Number, NumberError},
};

/// A field, without the quotes and spaces around it.
pub struct Field<'t> {
    offset: usize,
    pub(super) content: Content<'t>,
}

pub(super) enum Content<'t> {
    Borrowed(&'t str),
    /// A number as a program writes it: a point begins its fraction, whatever the texts of the file show.
    Literal(&'t str),
    /// With quotes in it, which are doubled in the text.
    Copied(Zeroizing<String>),
}

impl<'t> Field<'t> {
    pub(super) fn new(offset: usize, content: Content<'t>) -> Self {
        Self { offset, content }
    }

    /// The byte of the text where it begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Borrowed(text) | Content::Literal(text) => text,
            Content::Copied(text) => text.trim(),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// The number that it says, among others whose marks are known.
    ///
    /// # Errors
    /// If it says none, or one that may be read in two ways.
    pub fn number(&self, marks: Marks) -> Result<Number, NumberError> {
        match self.content {
            Content::Literal(text) => Number::parse(text),
            _ => Number::parse_among(self.text(), marks),
        }
    }

    /// Whether it says nothing or a number, in one way or two.
    pub(super) fn is_number_or_empty(&self) -> bool {
        self.is_empty() || !matches!(self.number(Marks::UNKNOWN), Err(NumberError::Malformed))
    }
}

/// A name from a secret file for people to see: nothing that may be an amount in the wrong place.
#[must_use]
pub fn shown_name(text: &str) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_name = digits < 4 && digits < text.len() && Name::new(text).is_ok() && Number::parse(text).is_err();
    if is_name { text.to_owned() } else { "another name".to_owned() }
}
