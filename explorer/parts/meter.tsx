/** How much of an amount is used. `scarce`: what is used up is gone, so nearly all of it is a warning. */
export function Meter({
  used,
  of,
  label,
  scarce = false,
}: {
  readonly used: number;
  readonly of: number;
  readonly label: string;
  readonly scarce?: boolean;
}) {
  const warns = scarce && used > 0.95 * of;
  return <progress class={warns ? 'warns' : undefined} value={used} max={of} aria-label={label} />;
}
