//! The declarations of rows and levels.

/// Declares a struct whose fields are features; see [`row`](crate::row).
///
/// A field is `/// Description` `pub name: Type = "unit", range;`, where the type is a
/// [`FieldValue`](crate::row::FieldValue) and the range may be left out.
#[macro_export]
macro_rules! typed_row {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $(
                #[doc = $description:literal]
                $(#[doc = $more:literal])*
                pub $field:ident: $type:ty = $unit:literal $(, $range:expr)?;
            )+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq)]
        $visibility struct $name {
            $(
                #[doc = $description]
                $(#[doc = $more])*
                pub $field: $type,
            )+
        }

        impl $crate::TypedRow for $name {
            fn fields() -> &'static [$crate::row::Field] {
                static FIELDS: &[$crate::row::Field] = &[$($crate::row::Field {
                    name: stringify!($field),
                    unit: $unit,
                    description: $description,
                    range: $crate::typed_row!(@range $($range)?),
                    kind: <$type as $crate::row::FieldValue>::kind,
                    from_json: <$type as $crate::row::FieldValue>::number_of_json,
                    expected: <$type as $crate::row::FieldValue>::expected,
                }),+];
                FIELDS
            }

            fn to_values(&self) -> Vec<f64> {
                vec![$($crate::row::FieldValue::to_number(&self.$field)),+]
            }

            fn from_values(values: &[f64]) -> $crate::Result<Self> {
                let fields = <Self as $crate::TypedRow>::fields();
                let mut numbers = $crate::row::numbers(fields, values)?;
                Ok(Self { $($field: numbers.next_value()?),+ })
            }
        }
    };
    (@range) => { $crate::row::ANY };
    (@range $range:expr) => { $range };
}

/// Declares an enum whose variants are the levels of a categorical feature, with their names in files and
/// JSON; see [`row`](crate::row).
///
/// Two levels of one name do not compile:
/// ```compile_fail
/// tenure_core::levels! {
///     /// Plans.
///     pub enum Plan {
///         /// Cheap.
///         Basic = "basic",
///         /// Dear.
///         Pro = "basic",
///     }
/// }
/// ```
#[macro_export]
macro_rules! levels {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $( $(#[$variant_attribute:meta])* $variant:ident = $text:literal ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name {
            $( $(#[$variant_attribute])* $variant ),+
        }

        const _: () = $crate::row::assert_different(&[$($text),+]);

        // What is public of a private enum is as far reachable as the enum.
        #[allow(unreachable_pub)]
        impl $name {
            /// All of them, in the order of levels.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in files and JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::row::NotALevelName;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|level| level.name() == text).ok_or_else(|| {
                    $crate::row::NotALevelName { text: text.to_owned(), known: vec![$($text),+] }
                })
            }
        }

        impl $crate::row::FieldValue for $name {
            fn kind() -> $crate::FeatureKind {
                $crate::FeatureKind::Categorical { levels: vec![$($text.to_owned()),+] }
            }

            fn to_number(&self) -> f64 {
                f64::from(*self as u8)
            }

            fn from_number(number: f64) -> Option<Self> {
                Self::ALL.iter().copied().find(|level| $crate::row::FieldValue::to_number(level) == number)
            }

            fn number_of_json(value: &$crate::row::JsonValue) -> Option<f64> {
                let level: Self = value.as_str()?.parse().ok()?;
                Some($crate::row::FieldValue::to_number(&level))
            }

            fn expected() -> ::std::borrow::Cow<'static, str> {
                concat!($("\"", $text, "\" "),+).trim_end().replace("\" \"", "\", \"").into()
            }
        }
    };
}
