/**
 * What /admin/stats and /admin/health answer.
 *
 * @typedef {{p50: number | null, p95: number | null, p99: number | null}} Percentiles
 *
 * @typedef {object} Summary
 * @property {number} requests
 * @property {number} errors answers of status 400 and above, those over the limit too
 * @property {number} rate_limited answers of status 429
 * @property {number} masks
 * @property {number} bytes
 * @property {Percentiles} processing_ms
 * @property {Percentiles} queue_ms
 *
 * @typedef {object} KeyEntry
 * @property {string} name
 * @property {string} hint the key's first characters, and the first six of its SHA-256
 * @property {boolean} enabled
 * @property {number} limit_per_hour
 * @property {number} used_last_hour
 * @property {Record<string, Summary>} endpoints
 *
 * @typedef {KeyEntry & Summary} KeyStats
 *
 * @typedef {object} Span what was answered within a span of time
 * @property {number} start seconds since the epoch
 * @property {number} seconds
 * @property {number} requests
 * @property {number} errors
 * @property {number} rate_limited
 * @property {Percentiles} processing_ms
 *
 * @typedef {object} Instance a worker process
 * @property {string} id
 * @property {string} host
 * @property {number} pid
 * @property {number} started seconds since the epoch
 * @property {boolean} model_loaded
 * @property {number} queue_length
 * @property {string} version
 *
 * @typedef {object} Stats
 * @property {number} hours
 * @property {KeyStats[]} keys
 * @property {Summary} unauthenticated
 * @property {Record<string, Summary>} endpoints
 * @property {Summary} totals
 * @property {Span[]} series
 * @property {Instance[]} instances
 *
 * @typedef {"healthy" | "degraded" | "unhealthy"} Status
 * @typedef {{status: Status, reasons: string[]}} Level
 *
 * @typedef {object} Container
 * @property {number} uptime_s
 * @property {number} pid of the worker that answered
 * @property {{used_bytes: number, limit_bytes: number}} memory
 * @property {number} cpus
 * @property {[number, number, number]} load_average
 * @property {?{free_bytes: number, total_bytes: number}} disk
 *
 * @typedef {object} Application
 * @property {{backend: string, answers: boolean, mode: string}} store
 * @property {boolean} takes_pictures
 * @property {boolean} draining
 * @property {number} workers
 *
 * @typedef {object} Model
 * @property {boolean} model_loaded
 * @property {number | null} load_seconds
 * @property {string | null} device
 * @property {string | null} precision
 * @property {string | null} runtime
 * @property {number} queue_length
 * @property {number} queue_size
 * @property {boolean} running
 * @property {boolean} draining
 * @property {number} remembered_pictures
 * @property {{valid: boolean, reason?: string, name?: string, source?: string, sha256?: string}} checkpoint
 * @property {{valid: boolean, reason?: string, name?: string, sha256?: string}} head
 *
 * @typedef {{requests: number | null, server_errors?: number, processing_ms?: Percentiles}} ResponseTimes
 *
 * @typedef {object} Levels
 * @property {Level & Container} container
 * @property {Level & Application} application
 * @property {Level & Model} model
 * @property {Level & {configured: boolean, connections: number | null}} tunnel
 * @property {Level & ResponseTimes} response_times
 *
 * @typedef {{status: Status, levels: Levels}} Health
 */
export {};
