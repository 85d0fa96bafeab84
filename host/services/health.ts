import type { Database } from '../store/database.ts';
import { listOrganisations } from '../store/organisations.ts';
import type { SandboxPool } from '../sandbox/pool.ts';
import type { HealthService } from './services.ts';
import type { VectorService } from './vectors/vector-services.ts';

const STORE_TIMEOUT_MS = 2_000;

export function createHealth(options: {
  database: Database;
  pool: SandboxPool;
  vectors: VectorService;
  isolation: string;
  stopping: AbortSignal;
}): HealthService {
  return {
    async ready() {
      const store = await answersInTime(listOrganisations(options.database));
      const checks = [
        { name: 'store', ok: store, detail: store ? 'answers' : `does not answer within ${STORE_TIMEOUT_MS} ms` },
        { name: 'host', ok: !options.stopping.aborted, detail: options.stopping.aborted ? 'is shutting down' : 'takes requests' },
        { name: 'sandbox', ok: true, detail: `isolation=${options.isolation}, ${options.pool.processes} processes` },
        // Without vectors every question is answered: whatever is amiss with them is told and stops nothing.
        { name: 'vectors', ok: true, detail: store ? await options.vectors.summary() : 'not known' },
      ];
      return { ready: checks.every(({ ok }) => ok), checks };
    },
  };
}

async function answersInTime(query: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), STORE_TIMEOUT_MS);
  });
  const answered = query.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, tooLate]).finally(() => clearTimeout(timer));
}
