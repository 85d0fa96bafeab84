import { alg, Graph } from '@dagrejs/graphlib';
import { HOST_PACKAGES } from './host-packages.ts';
import { isWithin, withinAll } from './version-range.ts';

/** A datasource as far as others depend on it. */
export interface DependencyNode {
  name: string;
  version: string;
  /** A range for npm's `semver`. */
  frameworkVersion: string;
  dependencies: readonly { name: string; range: string }[];
}

/** Why a set of datasources cannot be loaded together. */
export interface DependencyFault {
  kind: 'framework' | 'missing' | 'conflict' | 'cycle';
  /** Those concerned, the one that needs something first; of a cycle, in its order. */
  names: string[];
  /** One sentence that names both sides. */
  reason: string;
  /** One sentence that begins with a verb, with the versions that would do. */
  remedy: string;
}

/** What a set is checked against. */
export interface DependencySurroundings {
  /** The contract that the host keeps. */
  frameworkVersion: string;
  /** Versions of each datasource that could be switched to. */
  atHand: ReadonlyMap<string, readonly string[]>;
}

/**
 * Every reason why these datasources cannot be loaded together: at most one version of each. Nothing is loaded for it.
 * Empty means that each finds what it needs and that there is an order to load them in.
 */
export function checkDependencies(nodes: readonly DependencyNode[], around: DependencySurroundings): DependencyFault[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return [
    ...nodes.flatMap((node) => frameworkFaults(node, around)),
    ...nodes.flatMap((node) => node.dependencies.flatMap(({ name, range }) => faultOf(node, { name, range }, { nodes, byName, around }))),
    ...cycles(nodes),
  ];
}

/** An order in which each comes after all that it needs; undefined when there is a cycle. Names that are not in the set are left out. */
export function loadOrder(nodes: readonly DependencyNode[]): string[] | undefined {
  const graph = graphOf(nodes);
  return alg.isAcyclic(graph) ? alg.topsort(graph).toReversed() : undefined;
}

function frameworkFaults(node: DependencyNode, { frameworkVersion, atHand }: DependencySurroundings): DependencyFault[] {
  if (isWithin(frameworkVersion, node.frameworkVersion)) return [];
  const others = (atHand.get(node.name) ?? []).filter((version) => version !== node.version);
  return [
    {
      kind: 'framework',
      names: [node.name],
      reason: `${node.name} ${node.version} works with framework ${node.frameworkVersion}, and this host has ${frameworkVersion}.`,
      remedy:
        others.length === 0 ? 'Use a version of it for this framework.' : `Try another version of it: ${others.join(', ')} are at hand.`,
    },
  ];
}

interface Loaded {
  nodes: readonly DependencyNode[];
  byName: ReadonlyMap<string, DependencyNode>;
  around: DependencySurroundings;
}

function faultOf(node: DependencyNode, needed: { name: string; range: string }, loaded: Loaded): DependencyFault[] {
  const { name, range } = needed;
  const needs = `${node.name} ${node.version} needs ${name} ${range}`;
  if (name.includes(':')) {
    const provided = Object.hasOwn(HOST_PACKAGES, name) ? HOST_PACKAGES[name] : undefined;
    if (provided !== undefined && isWithin(provided, range)) return [];
    const remedy = `Use a version of ${node.name} that was built for this host; it provides ${Object.entries(HOST_PACKAGES)
      .map(([wit, at]) => `${wit} ${at}`)
      .join(', ')}.`;
    const has = provided === undefined ? 'this host does not provide it' : `this host provides ${provided}`;
    return [{ kind: provided === undefined ? 'missing' : 'conflict', names: [node.name, name], reason: `${needs}, and ${has}.`, remedy }];
  }
  const found = loaded.byName.get(name);
  if (found !== undefined && isWithin(found.version, range)) return [];
  const atHand = loaded.around.atHand.get(name) ?? [];
  const ranges = loaded.nodes.flatMap((other) => other.dependencies.filter((dependency) => dependency.name === name));
  const fitting = withinAll(
    atHand,
    ranges.map((dependency) => dependency.range),
  );
  if (found === undefined) {
    return [
      {
        kind: 'missing',
        names: [node.name, name],
        reason: `${needs}, which is not installed.`,
        remedy: remedyOf('Install', name, fitting, range),
      },
    ];
  }
  return [conflict(node, needs, found, { fitting, range, others: sidesOf(loaded.nodes, node, name) })];
}

function conflict(
  node: DependencyNode,
  needs: string,
  found: DependencyNode,
  { fitting, range, others }: { fitting: string[]; range: string; others: string[] },
): DependencyFault {
  const besides = others.length === 0 ? '' : `; besides, ${others.join(' and ')}`;
  const reason = `${needs}, and ${found.name} ${found.version} is installed${besides}.`;
  const remedy =
    fitting.length === 0 && others.length > 0
      ? `Remove one side, or get versions that agree: none at hand satisfies all of them.`
      : remedyOf('Switch to', found.name, fitting, range);
  return { kind: 'conflict', names: [node.name, found.name], reason, remedy };
}

/** What else is asked of the same datasource. */
function sidesOf(nodes: readonly DependencyNode[], node: DependencyNode, name: string): string[] {
  return nodes
    .filter((other) => other.name !== node.name)
    .flatMap((other) =>
      other.dependencies
        .filter((needed) => needed.name === name)
        .map(({ range }) => `${other.name} ${other.version} needs ${name} ${range}`),
    );
}

function remedyOf(verb: string, name: string, fitting: readonly string[], range: string): string {
  return fitting.length === 0
    ? `${verb} a version of ${name} in the range ${range}; none is at hand.`
    : `${verb} ${name} ${fitting.slice(0, 5).join(', or ')}.`;
}

function cycles(nodes: readonly DependencyNode[]): DependencyFault[] {
  return alg.findCycles(graphOf(nodes)).map((cycle) => {
    const ring = inOrder(cycle, nodes);
    return {
      kind: 'cycle',
      names: ring,
      reason: `${[...ring, ring[0]].join(' needs ')}: none of them could be loaded first.`,
      remedy: 'Use versions of which one does not need the next.',
    };
  });
}

/** A way around within a strongly connected component that visits each at most once. */
function inOrder(component: readonly string[], nodes: readonly DependencyNode[]): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const members = new Set(component);
  const way: string[] = [];
  let at = [...component].toSorted()[0];
  while (at !== undefined && !way.includes(at)) {
    way.push(at);
    at = byName
      .get(at)
      ?.dependencies.map(({ name }) => name)
      .find((name) => members.has(name));
  }
  return at === undefined ? way : way.slice(way.indexOf(at));
}

/** An edge from each datasource to what it needs, among those that are there. */
function graphOf(nodes: readonly DependencyNode[]): Graph {
  const graph = new Graph();
  const names = new Set(nodes.map(({ name }) => name));
  for (const { name } of nodes) graph.setNode(name);
  for (const node of nodes) for (const { name } of node.dependencies) if (names.has(name)) graph.setEdge(node.name, name);
  return graph;
}
