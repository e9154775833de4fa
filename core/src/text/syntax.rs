//! What is wrong with the syntax of a text, in the words of this project instead of its parsers'.

use crate::problem::Problem;

/// What is wrong with the syntax of JSON that serde_json refuses.
#[must_use]
pub fn json_problem(error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let (expected, found) = of_json(message.split(" at line ").next().unwrap_or_default());
    Problem::new("", expected, found)
}

/// What TOML expects and what is there, for a message of the parser: `unclosed array, expected …`.
pub(super) fn of_toml(message: &str) -> (String, String) {
    let (complaint, rest) = message.split_once(", expected ").unwrap_or((message, ""));
    let (expected, found) = match complaint {
        "key with no value" => ("an = and a value after the key", "a key alone"),
        "string values must be quoted" => ("a value, with quotes around text", "text without quotes"),
        "duplicate key" => ("each key of a table once", "a key again"),
        "unquoted keys cannot be empty" => ("a key before the =", "none"),
        "invalid unquoted key" => ("a key of letters, digits, - and _, or one in quotes", "another character"),
        "missing value" | "missing value for key" => ("a value after the =", "none"),
        "extra `=`" | "extra assignment between key-value pairs" => ("one = after the key", "two"),
        "missing assignment between key-value pairs" => ("an = between key and value", "none"),
        "missing comma between array elements" => ("a comma between the items of a list", "none"),
        "missing comma between key-value pairs" => ("a comma between the entries of a table", "none"),
        "extra comma in array" => ("one comma between the items of a list", "two"),
        "extra comma in inline table" => ("one comma between the entries of a table", "two"),
        "missing key for inline table element" | "invalid inline table element" => {
            ("a key and its value", "something else")
        }
        "unexpected `=` in array" => ("values in a list, or a table in braces", "an ="),
        "unclosed array" => ("a ] at the end of the list", "none"),
        "unclosed inline table" => ("a } at the end of the table", "none"),
        "unclosed table" | "unclosed array table" => ("a ] behind the name of the table", "none"),
        "missing table open" | "missing array opening" => ("a [ before the name of the table", "none"),
        "missing inline table opening" => ("a { before the entries of the table", "none"),
        "missing opening quote" => ("a quote before the text", "none"),
        "carriage return must be followed by newline" => ("lines that end in LF or CRLF", "a CR alone"),
        "unexpected leading zero" => ("a number without leading zeros", "one with"),
        "unexpected sign" | "redundant numeric sign" => ("one sign before a number", "more"),
        "`_` may only go between digits" => ("_ between digits only", "one elsewhere"),
        "too few unicode value digits" => ("4 digits behind \\u, or 8 behind \\U", "fewer"),
        "missing escaped value" => ("a character that may follow a backslash", "another one"),
        "radix must be lowercase" => ("0x, 0o or 0b in lower case", "a capital letter"),
        "integers with a radix cannot be signed" => ("a number in another radix without a sign", "a sign"),
        "unexpected content between comment and newline" | "invalid comment character" => {
            ("printable characters in a comment", "another one")
        }
        "cannot recurse further; max recursion depth met" | "recursion limit" => ("less nesting", "more"),
        "unexpected content" | "unexpected key or value" if rest.contains("newline") || rest.contains('\n') => {
            ("the end of the line behind a value, with quotes around text and percentages", "more")
        }
        _ if complaint.contains("string") => ("text in quotes, with a backslash before each backslash", "another form"),
        _ => ("a value: text in quotes, a number, true or false, a date, a list or a table", "something else"),
    };
    (expected.to_owned(), found.to_owned())
}

/// What JSON expects and what is there, for a message of the parser.
pub(super) fn of_json(message: &str) -> (String, String) {
    let (expected, found) = match message {
        "EOF while parsing a list" => ("a ] at the end of the list", "the end of the text"),
        "EOF while parsing an object" => ("a } at the end of the object", "the end of the text"),
        "EOF while parsing a string" => ("a quote at the end of the text", "the end of the text"),
        "EOF while parsing a value" => ("a value", "the end of the text"),
        "expected `:`" => ("a colon between key and value", "something else"),
        "expected `,` or `]`" => ("a comma or the ] at the end of the list", "something else"),
        "expected `,` or `}`" => ("a comma or the } at the end of the object", "something else"),
        "expected ident" => ("true, false or null", "another word"),
        "expected value" => ("a value: text in quotes, a number, true or false, a list or an object", "something else"),
        "expected `\"`" | "key must be a string" => ("a key in quotes", "something else"),
        "invalid escape" => ("a character that may follow a backslash", "another one"),
        "invalid number" => ("a number without leading zeros", "another form"),
        "number out of range" => ("a number of at most 128 bits", "a larger one"),
        "trailing comma" => ("no comma behind the last item", "one"),
        "trailing characters" => ("the end of the text", "more"),
        "recursion limit exceeded" => ("less nesting", "more"),
        escape if escape.contains("hex escape") || escape.contains("unicode") => {
            ("4 hexadecimal digits of a character behind \\u", "something else")
        }
        control if control.starts_with("control character") => ("\\n, \\t or \\u00xx in text", "a control character"),
        again if again.starts_with("duplicate field") => ("each key of an object once", "a key again"),
        _ => ("valid JSON", "something else"),
    };
    (expected.to_owned(), found.to_owned())
}
