//! How a type crosses the border: as text, bytes, nothing or JSON.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericArgument, Path, PathArguments, Type};

pub enum Kind {
    Text,
    Bytes,
    Nothing,
    Json,
}

impl Kind {
    pub fn of(kind: &Type) -> Kind {
        match kind {
            Type::Paren(inner) => Kind::of(&inner.elem),
            Type::Tuple(tuple) if tuple.elems.is_empty() => Kind::Nothing,
            Type::Reference(reference) => match reference.elem.as_ref() {
                Type::Slice(slice) if is(&slice.elem, "u8") => Kind::Bytes,
                inner if is(inner, "str") => Kind::Text,
                inner => Kind::of(inner),
            },
            Type::Path(path) if ends(&path.path, "String") => Kind::Text,
            Type::Path(path) if ends(&path.path, "Vec") && held(kind).is_some_and(|one| is(one, "u8")) => Kind::Bytes,
            _ => Kind::Json,
        }
    }

    /// What describes it. `reads`: it is an input.
    pub fn described(&self, kind: &Type, reads: bool) -> TokenStream {
        match self {
            Kind::Text => quote!(::omnicore::describe::text()),
            Kind::Bytes | Kind::Nothing => quote!(::omnicore::describe::bytes()),
            Kind::Json if reads => quote!(::omnicore::describe::read::<#kind>()),
            Kind::Json => quote!(::omnicore::describe::written::<#kind>()),
        }
    }
}

/// True for a return type that is some `Result`.
pub fn is_result(kind: &Type) -> bool {
    let name = |path: &Path| path.segments.last().map(|last| last.ident.to_string());
    matches!(kind, Type::Path(path) if name(&path.path).is_some_and(|name| name.ends_with("Result")))
}

/// The first type between a type's angle brackets, such as what a `Result` holds when it went well.
pub fn held(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|one| match one {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    })
}

fn is(kind: &Type, name: &str) -> bool {
    matches!(kind, Type::Path(path) if path.path.is_ident(name))
}

fn ends(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}
