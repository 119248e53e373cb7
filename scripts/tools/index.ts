export { findKubeconform } from './go.ts';
export { findHelm, findKubectl } from './helm.ts';
export { kubernetesSchemas } from './kubernetes-schemas.ts';
export { run } from './program.ts';
export { findPrometheus, findPromtool } from './prometheus.ts';
export { skaffoldSchema } from './skaffold-schema.ts';
