//! Answers in XML, written element by element.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

/// A document in the making.
pub struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Default for Xml {
    fn default() -> Self {
        Self {
            writer: Writer::new(Vec::new()),
        }
    }
}

impl Xml {
    /// An empty fragment.
    pub fn new() -> Self {
        Self::default()
    }

    /// An element with content.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.event(Event::Start(BytesStart::new(name)));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
        self
    }

    /// An element with the service's namespace and content.
    pub fn root(
        &mut self,
        name: &str,
        namespace: &str,
        content: impl FnOnce(&mut Self),
    ) -> &mut Self {
        let start = BytesStart::new(name).with_attributes([("xmlns", namespace)]);
        self.event(Event::Start(start));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
        self
    }

    /// An element with text.
    pub fn text(&mut self, name: &str, text: impl AsRef<str>) -> &mut Self {
        let clean = printable(text.as_ref());
        self.element(name, |xml| xml.event(Event::Text(BytesText::new(&clean))))
    }

    /// Text inside the element that is open.
    pub fn plain(&mut self, text: &str) {
        let clean = printable(text);
        self.event(Event::Text(BytesText::new(&clean)));
    }

    /// An element with text, when there is one.
    pub fn maybe(&mut self, name: &str, text: Option<impl AsRef<str>>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    /// A list whose items are called `member`.
    pub fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.list_of(name, "member", items, each)
    }

    /// A list whose items are called as told (`item` for EC2).
    pub fn list_of<T>(
        &mut self,
        name: &str,
        item: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.element(name, |xml| {
            for value in items {
                xml.element(item, |xml| each(xml, value));
            }
        })
    }

    /// A list of plain values.
    pub fn texts<T: AsRef<str>>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.element(name, |xml| {
            for value in items {
                xml.text("member", value);
            }
        })
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.writer.into_inner()
    }

    /// Adds what was written elsewhere.
    pub fn append(&mut self, fragment: Self) {
        self.writer.get_mut().extend(fragment.finish());
    }

    fn event(&mut self, event: Event<'_>) {
        self.writer
            .write_event(event)
            .expect("a vector takes every write");
    }
}

/// XML has no way to write most control characters.
fn printable(text: &str) -> Cow<'_, str> {
    let plain = |letter: char| letter >= ' ' || matches!(letter, '\n' | '\t' | '\r');
    if text.bytes().all(|byte| plain(char::from(byte))) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|letter| plain(*letter)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_drops_control_characters() {
        let mut xml = Xml::new();
        xml.text("A", "a<b&\u{1b}c").texts("L", ["x"]);
        assert_eq!(
            String::from_utf8_lossy(&xml.finish()),
            "<A>a&lt;b&amp;c</A><L><member>x</member></L>"
        );
    }
}
