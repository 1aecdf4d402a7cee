/**
 * The shapes of catalogues. A text with values says them in its name, with their types:
 * `"rows(count: number)": "{count, plural, one {# row} other {# rows}}"` is called as `texts.common.rows(3)`.
 */
interface Values {
  string: string;
  number: number;
  /** Joined as the language joins: `a, b and c`. */
  list: readonly string[];
}

type Value<Said extends string> = Said extends `${string}: ${infer Type extends keyof Values}`
  ? Values[Type]
  : never;

type Parameters<Said extends string> = Said extends `${infer First}, ${infer Rest}`
  ? [Value<First>, ...Parameters<Rest>]
  : [Value<Said>];

/** How pages see a catalogue: plain texts, and functions of the values that a text has. */
export type Texts<Catalogue> = Catalogue extends string | readonly unknown[]
  ? Catalogue
  : {
      readonly [
        Name in keyof Catalogue as Name extends `${infer Short}(${string}` ? Short : Name
      ]: Name extends `${string}(${infer Said})`
        ? (...values: Parameters<Said>) => string
        : Texts<Catalogue[Name]>;
    };

/** The same names in another language. */
export type Translation<Catalogue> = Catalogue extends string
  ? string
  : Catalogue extends readonly unknown[]
    ? { readonly [Place in keyof Catalogue]: Translation<Catalogue[Place]> }
    : { readonly [Name in keyof Catalogue]: Translation<Catalogue[Name]> };
