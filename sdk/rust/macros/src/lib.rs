//! The attributes of `omnicore`.

mod exported;
mod kind;

use proc_macro::TokenStream;
use quote::quote;

/// Makes a function one that callers of the plugin see, with its name, its doc comment and the schemas of its types.
///
/// It takes one value or none and returns a value, or a `Result` whose error can be shown. `String` and `&str` are
/// text, `Vec<u8>` and `&[u8]` bytes, `()` is nothing, every other type is JSON: it needs `Deserialize` or `Serialize`,
/// and `JsonSchema`, which [`macro@data`] gives it.
#[proc_macro_attribute]
pub fn function(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item: proc_macro2::TokenStream = item.into();
    let exported = exported::exported(arguments.into(), item.clone()).unwrap_or_else(|error| error.to_compile_error());
    // Where there are no exports nothing calls it, but perhaps a test.
    quote!(#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))] #item #exported).into()
}

/// Makes a struct or enum one that can be the input or output of a function: it derives `Serialize`, `Deserialize` and
/// `JsonSchema`.
#[proc_macro_attribute]
pub fn data(_: TokenStream, item: TokenStream) -> TokenStream {
    let item: proc_macro2::TokenStream = item.into();
    quote! {
        #[derive(::omnicore::Serialize, ::omnicore::Deserialize, ::omnicore::JsonSchema)]
        #[serde(crate = "::omnicore::serde")]
        #[schemars(crate = "::omnicore::schemars")]
        #item
    }
    .into()
}
