/** What `cassandra.yaml` holds of one node. */
export interface NodePlace {
  /** Nodes of different clusters refuse each other by it. */
  readonly cluster: string;
  readonly folder: string;
  readonly address: string;
  readonly seeds: readonly string[];
  /** Of the ring of all nodes. */
  readonly token: bigint;
  readonly ports: Ports;
  readonly auth: boolean;
}

/** Nodes of one cluster have the same ones, on addresses of their own. */
export interface Ports {
  readonly native: number;
  readonly storage: number;
}

/** A throwaway node: little memory, one token, every node a seed, no waiting for a ring to settle. Names: `conf/cassandra.yaml` of Cassandra 5.0. */
export function settingsOf({ cluster, folder, address, seeds, token, ports, auth }: NodePlace): Record<string, unknown> {
  return {
    cluster_name: cluster,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    num_tokens: 1,
    initial_token: String(token),
    auto_bootstrap: false,
    storage_compatibility_mode: 'NONE',
    listen_address: address,
    rpc_address: address,
    storage_port: ports.storage,
    native_transport_port: ports.native,
    start_native_transport: true,
    seed_provider: [{ class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds: seeds.join(',') }] }],
    endpoint_snitch: 'GossipingPropertyFileSnitch',
    dynamic_snitch: false,
    data_file_directories: [`${folder}/data`],
    commitlog_directory: `${folder}/commitlog`,
    saved_caches_directory: `${folder}/saved_caches`,
    hints_directory: `${folder}/hints`,
    authenticator: auth ? 'PasswordAuthenticator' : 'AllowAllAuthenticator',
    authorizer: auth ? 'CassandraAuthorizer' : 'AllowAllAuthorizer',
    role_manager: 'CassandraRoleManager',
    roles_validity: '500ms',
    permissions_validity: '500ms',
    credentials_validity: '500ms',
    // What was confirmed is on disk, so that a node which is killed keeps it; the default loses the last moments.
    commitlog_sync: 'group',
    commitlog_sync_group_window: '10ms',
    commitlog_segment_size: '8MiB',
    commitlog_total_space: '128MiB',
    memtable_heap_space: '96MiB',
    memtable_offheap_space: '96MiB',
    memtable_flush_writers: 1,
    file_cache_size: '32MiB',
    networking_cache_size: '16MiB',
    key_cache_size: '4MiB',
    key_cache_save_period: '0s',
    row_cache_size: '0MiB',
    counter_cache_size: '4MiB',
    counter_cache_save_period: '0s',
    prepared_statements_cache_size: '8MiB',
    concurrent_reads: 8,
    concurrent_writes: 8,
    concurrent_compactors: 1,
    native_transport_max_threads: 32,
    hinted_handoff_enabled: true,
    hints_flush_period: '1000ms',
    auto_snapshot: false,
    disk_failure_policy: 'stop',
    commit_failure_policy: 'stop',
    read_request_timeout: '10000ms',
    range_request_timeout: '15000ms',
    write_request_timeout: '10000ms',
    request_timeout: '15000ms',
    sai_options: { segment_write_buffer_size: '64MiB' },
  };
}

/** Tokens of `count` nodes that share the ring evenly. */
export function tokensOf(count: number): bigint[] {
  const share = 2n ** 64n / BigInt(count);
  return Array.from({ length: count }, (_, index) => -(2n ** 63n) + share * BigInt(index) + share / 2n);
}
