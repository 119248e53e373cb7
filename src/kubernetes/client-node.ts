// What is used of @kubernetes/client-node, and nothing else of it: the build makes one file of this (see package.json). The
// package is a thousand modules, and a pod that loads each takes half a second of a core and 90 MiB; so it takes a quarter.
export {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  Observable,
  PatchStrategy,
  PortForward,
} from '@kubernetes/client-node';
