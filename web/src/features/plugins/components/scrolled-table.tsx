import styles from "./scrolled-table.module.css";

interface Props {
  label: string;
  columns: Record<string, string>;
  children: React.ReactNode;
}

/** A table of figures that scrolls by itself where it is wider than its place. */
export function ScrolledTable({ label, columns, children }: Props) {
  return (
    // Keyboards can scroll it only when it takes the focus.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles["box"]} tabIndex={0} role="group" aria-label={label}>
      <table className={styles["table"]} aria-label={label}>
        <thead>
          <tr>
            {Object.entries(columns).map(([key, column]) => (
              <th key={key} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
