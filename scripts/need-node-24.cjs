// Preloaded by npm's scripts: an older Node, taken where the package `node` was left without its binary, would end in a syntax error.
const NEEDED = 24;
if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(
    `distributed-logger needs Node ${NEEDED} or later, and this is ${process.version}: npm ci brings it along where the install script of the package "node" may run.\n`,
  );
  process.exit(78); // EX_CONFIG
}
