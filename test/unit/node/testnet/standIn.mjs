// A program in the place of a node, to test how processes are started and ended: what it does is its first
// argument. Real nodes are started in test/e2e.
const [behaviour] = process.argv.slice(2);
const stay = () => setInterval(() => {}, 1_000);
if (behaviour === 'fail') {
  process.stderr.write('{"level":"error","message":"the disk is full"}\n');
  process.exit(3);
}
if (behaviour === 'silent') stay();
if (behaviour === 'stubborn') process.on('SIGTERM', () => {});
if (behaviour === 'good' || behaviour === 'stubborn') {
  process.stdout.write('starting\n{"event":"opening"}\n{"event":"ready"}\n');
  stay();
  if (process.argv.includes('--with-parent')) process.stdin.resume().on('end', () => process.exit(0));
}
