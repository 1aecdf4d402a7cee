import { Fragment } from "react";

import { type Block, blocksOf, type Span } from "../logic/markdown";
import styles from "./gallery.module.css";

/** A README as text with headings, lists and code. Nothing in it is ever HTML, and no picture is loaded. */
export function Readme({ text }: { text: string }) {
  return (
    <div className={styles["readme"]}>
      {blocksOf(text).map((block, at) => (
        <OneBlock key={at} block={block} />
      ))}
    </div>
  );
}

function OneBlock({ block }: { block: Block }) {
  const first = block.items[0] ?? [];
  if (block.kind === "code") {
    return (
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboards can scroll it only with the focus
      <pre tabIndex={0}>
        <code>{block.text}</code>
      </pre>
    );
  }
  if (block.kind === "heading") {
    // The page has its own headings of the first two levels.
    return block.level < 3 ? <h3>{spans(first)}</h3> : <h4>{spans(first)}</h4>;
  }
  if (block.kind === "paragraph") return <p>{spans(first)}</p>;
  if (block.kind === "quote") {
    return (
      <blockquote>
        {block.items.map((item, at) => (
          <Fragment key={at}>{spans(item)} </Fragment>
        ))}
      </blockquote>
    );
  }
  const items = block.items.map((item, at) => <li key={at}>{spans(item)}</li>);
  return block.kind === "ordered" ? <ol>{items}</ol> : <ul>{items}</ul>;
}

function spans(of: Span[]) {
  return of.map(({ kind, text, to }, at) => {
    if (kind === "code") return <code key={at}>{text}</code>;
    if (kind === "strong") return <strong key={at}>{text}</strong>;
    if (kind === "em") return <em key={at}>{text}</em>;
    if (kind === "link")
      return (
        <a key={at} href={to} target="_blank" rel="noopener noreferrer nofollow" title={to}>
          {text}
        </a>
      );
    return <Fragment key={at}>{text}</Fragment>;
  });
}
