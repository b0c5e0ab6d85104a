import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The first that can be had is taken. */
const VERSIONS = ['5.0.8', '5.0.5', '5.0.4', '5.0.3'];
const POM = join(import.meta.dirname, 'conf/pom.xml');
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath';
export const HOW =
  'Cassandra runs on Java 17: install it and Maven (Debian: apt-get install openjdk-17-jdk-headless maven), or set CAUCE_TEST_CASSANDRA=host:port';

const run = promisify(execFile);
const java = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin/java') : 'java';

export interface Distribution {
  readonly java: string;
  readonly version: string;
  /** Paths of the jars, with colons between them. */
  readonly classpath: string;
  /** Path of the agent that measures objects; Cassandra does not start without it. */
  readonly jamm: string;
}

/** Whether nodes can be started here at all. */
export function canRunCassandra(): boolean {
  return isInstalled('mvn') && (isInstalled('java') || existsSync(java));
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

/**
 * Where the jars are, in Maven's own repository, which keeps them between runs. Asks the registry once; the answer is
 * remembered in the user's cache.
 */
export async function distribution(): Promise<Distribution> {
  if (!isInstalled('mvn')) throw new Error(`there is no mvn; ${HOW}`);
  await checkJava();
  const failures: string[] = [];
  for (const version of VERSIONS) {
    try {
      const classpath = await classpathOf(version);
      const jamm = classpath.split(':').find((path) => /\/jamm-[^/]*\.jar$/.test(path));
      if (jamm === undefined) throw new Error('there is no jamm among its jars');
      if (failures.length > 0) console.warn(`Cassandra ${version} is used instead of ${VERSIONS[0]}; ${failures.join('\n')}`);
      return { java, version, classpath, jamm };
    } catch (error) {
      failures.push(`${version}: ${reasonOf(error)}`);
    }
  }
  throw new Error(`Cassandra cannot be had from the Maven repository; ${failures.join('\n')}`);
}

async function checkJava(): Promise<void> {
  const { stderr } = await run(java, ['-version']).catch((error: unknown) => {
    throw new Error(HOW, { cause: error });
  });
  const version = /version "(\d+)/.exec(stderr)?.[1];
  if (version !== '17') throw new Error(`${HOW} (java is of version ${version}; JAVA_HOME may name another one)`);
}

async function classpathOf(version: string): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'cauce');
  const file = join(cache, `cassandra-${version}.classpath`);
  if (existsSync(file)) {
    const known = (await readFile(file, 'utf8')).trim();
    if (known !== '' && known.split(':').every((path) => existsSync(path))) return known;
  }
  await mkdir(cache, { recursive: true });
  const fresh = `${file}.${process.pid}`;
  const options = [`-Dcassandra.version=${version}`, '-DincludeScope=runtime', `-Dmdep.outputFile=${fresh}`, '-Dstyle.color=never'];
  // Two processes that fill Maven's repository at a time may spoil it.
  const [program = '', ...first] = isInstalled('flock') ? ['flock', join(cache, 'maven.lock'), 'mvn'] : ['mvn'];
  await run(program, [...first, '-q', '-B', '-ntp', '-f', POM, PLUGIN, ...options], { maxBuffer: 2 ** 24 });
  // A reader sees the whole of it or nothing.
  await rename(fresh, file);
  return (await readFile(file, 'utf8')).trim();
}

/** Maven says what is wrong on its standard output. */
function reasonOf(error: unknown): string {
  const { stdout, message } = error as Error & { stdout?: string };
  return stdout?.split('\n').find((line) => line.includes('[ERROR]')) ?? message;
}
