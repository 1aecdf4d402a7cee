//! The two exports of a function: the one callers call, and the one that describes it to `omnicore build`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, Meta, ReturnType, Type};

use crate::kind::{held, is_result, Kind};

pub fn exported(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    if !arguments.is_empty() {
        return Err(Error::new(arguments.span(), "nothing stands in the brackets"));
    }
    let item: ItemFn = syn::parse2(item)?;
    refuse(&item)?;
    let input = input(&item)?;
    let nothing: Type = syn::parse_quote!(());
    let returned = match &item.sig.output {
        ReturnType::Default => &nothing,
        ReturnType::Type(_, kind) => kind.as_ref(),
    };
    let fails = is_result(returned);
    let output = if fails { held(returned).ok_or_else(|| unnamed(returned))? } else { returned };

    let name = item.sig.ident.to_string().trim_start_matches("r#").to_string();
    let describing = format!("__omnicore_describe_{name}");
    let body = body(&item, input, Kind::of(output), fails);
    let shape = match input {
        Some(kind) => Kind::of(kind).described(kind, true),
        None => quote!(::omnicore::describe::bytes()),
    };
    let written = Kind::of(output).described(output, false);
    let doc = doc(&item.attrs);
    Ok(quote! {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[unsafe(export_name = #name)]
            extern "C" fn called() -> i32 {
                ::omnicore::export::run(|input| #body)
            }

            #[unsafe(export_name = #describing)]
            extern "C" fn described() -> i32 {
                ::omnicore::export::run(|_| {
                    ::omnicore::export::to_json(::omnicore::describe::function(#name, #doc, #shape, #written))
                })
            }
        };
    })
}

/// From the bytes of the input to those of the output, or the text of the error.
fn body(item: &ItemFn, input: Option<&Type>, output: Kind, fails: bool) -> TokenStream {
    let function = &item.sig.ident;
    let borrowed = matches!(input, Some(Type::Reference(_))).then(|| quote!(&));
    let call = match input.map(Kind::of) {
        None => quote!({ let _ = input; #function() }),
        Some(Kind::Nothing) => quote!({ let _ = input; #function(()) }),
        Some(Kind::Bytes) => quote!(#function(#borrowed input)),
        Some(Kind::Text) => quote!(#function(#borrowed ::omnicore::export::text(input)?)),
        Some(Kind::Json) => quote!(#function(#borrowed ::omnicore::export::json(&input)?)),
    };
    // `{:#}` shows an error of `anyhow` with its causes.
    let call = if fails { quote!((#call).map_err(|error| ::std::format!("{error:#}"))?) } else { call };
    match output {
        Kind::Nothing => quote!({ #call; Ok(::std::vec::Vec::new()) }),
        Kind::Bytes => quote!(Ok(::std::convert::Into::into(#call))),
        Kind::Text => quote!(Ok(::std::string::String::into_bytes(::std::convert::Into::into(#call)))),
        Kind::Json => quote!(::omnicore::export::to_json(#call)),
    }
}

fn input(item: &ItemFn) -> Result<Option<&Type>, Error> {
    let inputs = &item.sig.inputs;
    match inputs.first() {
        None => Ok(None),
        Some(FnArg::Typed(first)) if inputs.len() == 1 => Ok(Some(&first.ty)),
        Some(_) => Err(Error::new(inputs.span(), "a function of a plugin takes one value; put several into a struct")),
    }
}

fn refuse(item: &ItemFn) -> Result<(), Error> {
    let wrong = if item.sig.asyncness.is_some() {
        "a function of a plugin cannot be async: doors answer at once"
    } else if !item.sig.generics.params.is_empty() {
        "a function of a plugin cannot be generic: callers see one"
    } else if item.sig.ident.to_string().starts_with("__") {
        "names that begin with __ are hidden from callers"
    } else {
        return Ok(());
    };
    Err(Error::new(item.sig.ident.span(), wrong))
}

fn unnamed(returned: &Type) -> Error {
    Error::new(returned.span(), "name what the Result holds: `Result<Output, Error>`")
}

/// The first paragraph of the doc comment.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let whole: String = lines.collect::<Vec<_>>().join("\n");
    let lines = whole.lines().map(str::trim).skip_while(|line| line.is_empty());
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::exported;

    fn made(arguments: &str, item: &str) -> Result<String, String> {
        let made = exported(arguments.parse().unwrap(), item.parse().unwrap());
        made.map(|tokens| tokens.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_a_function_of_a_plugin_is_told() {
        for (item, told) in [
            ("async fn f() {}", "cannot be async"),
            ("fn f<T>(value: T) {}", "cannot be generic"),
            ("fn f(a: u8, b: u8) {}", "takes one value"),
            ("fn f(&self) {}", "takes one value"),
            ("fn __f() {}", "hidden from callers"),
            ("fn f() -> io::Result {}", "name what the Result holds"),
        ] {
            assert!(made("", item).unwrap_err().contains(told), "{item}");
        }
        assert!(made("name = 1", "fn f() {}").unwrap_err().contains("brackets"));
    }

    #[test]
    fn the_first_paragraph_of_the_comment_is_the_description() {
        let made = made("", "/// One\n/// line.\n///\n/// More.\nfn f() {}").unwrap();
        assert!(made.contains(r#""One line.""#));
    }
}
