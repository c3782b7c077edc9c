//! The stable names of problems. A name, once given, keeps its meaning and is never used again for another.

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal),+ $(,)?) => {
        /// What kind of problem a [`super::Diagnostic`] is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant),+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// `PW0101` and the like.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// One sentence on what it means, for a page that lists them.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

codes! {
    /// The file is larger than a pipeline file may be.
    TooLarge = "PW0001",
    /// The file is not UTF-8 text.
    NotUtf8 = "PW0002",
    /// The file begins with a byte-order mark, which is ignored.
    ByteOrderMark = "PW0003",
    /// The file holds a control character.
    ControlCharacter = "PW0004",
    /// The file is empty.
    Empty = "PW0005",
    /// The file is not YAML.
    Syntax = "PW0010",
    /// The file holds the marks of an unresolved merge conflict.
    ConflictMarker = "PW0011",
    /// A tab stands where YAML wants spaces.
    Tab = "PW0012",
    /// An alias names an anchor that is not defined before it.
    UnknownAnchor = "PW0013",
    /// The file nests or repeats more than a pipeline file may.
    TooComplex = "PW0014",
    /// The file holds more than one YAML document.
    SeveralDocuments = "PW0015",
    /// A key is given twice in one mapping; the last one counts.
    DuplicateKey = "PW0020",
    /// A merge key (`<<`) does not name a mapping or a list of mappings.
    BadMerge = "PW0021",
    /// A value has the wrong type.
    WrongType = "PW0100",
    /// A key is not known and is ignored.
    UnknownKey = "PW0101",
    /// A key that is needed is missing.
    MissingKey = "PW0102",
    /// A number or boolean stands where text is wanted, or the reverse; it is read as written.
    Coerced = "PW0103",
    /// A value is empty and is skipped.
    EmptyValue = "PW0104",
    /// A list or mapping must not be empty.
    EmptyList = "PW0105",
    /// A value is not one of those allowed.
    NotAllowed = "PW0106",
    /// A number is too small or too large.
    OutOfRange = "PW0107",
    /// A text is too long.
    TooLong = "PW0108",
    /// A script item is a mapping, because of a colon followed by a space.
    ScriptMapping = "PW0110",
    /// The body of an item is not indented below its key.
    NotIndented = "PW0111",
    /// Two keys exclude one another.
    Exclusive = "PW0112",
    /// A key is not allowed at this place.
    Misplaced = "PW0113",
    /// An item of a pipeline stands at the wrong place in its list.
    WrongOrder = "PW0114",
    /// A list item is not one of the kinds allowed there.
    UnknownItem = "PW0115",
    /// There are more of something than allowed.
    TooMany = "PW0116",
    /// The services leave the script less memory than it needs.
    Memory = "PW0117",
    /// A service is used that is not defined.
    UnknownService = "PW0120",
    /// A cache is used that is neither defined nor predefined; it is ignored.
    UnknownCache = "PW0121",
    /// A pipeline is named that the file does not have.
    UnknownPipeline = "PW0122",
    /// A name cannot be the name of a variable.
    VariableName = "PW0123",
    /// The default of a custom variable is missing or not among its allowed values.
    VariableDefault = "PW0124",
    /// A value given for a custom variable is not allowed.
    VariableValue = "PW0125",
    /// A branch, tag or path pattern cannot be read.
    BadPattern = "PW0130",
    /// An expression cannot be read.
    BadExpression = "PW0131",
    /// An import source cannot be read.
    BadImport = "PW0132",
    /// An imported pipeline cannot be had: its file or repository is not there, or does not share it.
    ImportRefused = "PW0134",
    /// No value is known for a `${{ }}` template.
    UnknownTemplate = "PW0133",
    /// Nothing in the file will ever run.
    NothingToRun = "PW0150",
    /// The first step waits for a person.
    ManualFirst = "PW0151",
    /// A pipeline deploys to one environment twice.
    DeployedTwice = "PW0152",
    /// Legal, but not supported by this installation yet; refused, because ignoring it would give a wrong build.
    NotSupported = "PW0200",
    /// Legal, but not supported by this installation yet; ignored, because the build is right without it.
    Ignored = "PW0201",
    /// The step declares something that this installation does not give it; it runs without, and its result says so.
    NotMet = "PW0202",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Code;

    #[test]
    fn codes_are_unique_and_explained() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.meaning().ends_with('.')));
    }
}
