//! Two functions. What stands in their comments and types becomes the plugin's manifest.

use omnicore::{config, Result};

/// The text in capital letters.
#[omnicore::function]
fn shout(text: &str) -> String {
    text.to_uppercase()
}

#[omnicore::data]
struct Person {
    /// Who is greeted.
    name: String,
}

#[omnicore::data]
struct Greeting {
    greeting: String,
}

/// Greets a person, with the word that the setting `greeting` says.
#[omnicore::function]
fn greet(person: Person) -> Result<Greeting> {
    let word = config::get("greeting")?.unwrap_or("Hello".to_string());
    Ok(Greeting { greeting: format!("{word}, {}!", person.name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shouting_is_loud() {
        assert_eq!(shout("hello"), "HELLO");
    }

    #[test]
    fn the_word_of_a_greeting_is_a_setting() {
        omnicore::testing::host(|_function, _request| omnicore::json!({"value": "Good day"}));
        let said = greet(Person { name: "Ada".to_string() }).unwrap();
        assert_eq!(said.greeting, "Good day, Ada!");
    }
}
