import { relative, sep } from 'node:path';
import { Transform } from 'node:stream';
import { carryOut, type Seen, type Write } from '../repository/transaction.js';

/** A file in Yeoman's memory, with the marks of mem-fs-editor 12 (its state.js). */
interface PendingFile {
  path: string;
  contents: Buffer | null;
  stat?: { mode?: number } | null;
  state?: 'modified' | 'deleted';
  stateCleared?: string;
  committed?: boolean;
  isNew?: boolean;
}

/**
 * The step of Yeoman's commit pipeline that writes: it gathers all pending files and carries them out in one
 * transaction, the manifest last, then hands them on marked as written, as Yeoman's own step does.
 */
export function transactionTransform(directory: string, what: string, seen: Seen): Transform {
  const pending: PendingFile[] = [];
  return new Transform({
    objectMode: true,
    transform(file: PendingFile, _encoding, done) {
      pending.push(file);
      done();
    },
    flush(done) {
      try {
        carryOut(
          directory,
          what,
          pending.map((file) => toWrite(directory, file)),
          seen,
        );
      } catch (error) {
        done(error as Error);
        return;
      }
      for (const file of pending) {
        file.committed = true;
        if (file.state !== undefined) file.stateCleared = file.state;
        delete file.state;
        delete file.isNew;
        this.push(file);
      }
      done();
    },
  });
}

function toWrite(directory: string, file: PendingFile): Write {
  const path = relative(directory, file.path).split(sep).join('/');
  if (file.state === 'deleted') return { path };
  const mode = file.stat?.mode;
  return {
    path,
    content: file.contents?.toString('utf8') ?? '',
    ...(mode === undefined ? {} : { mode: mode & 0o777 }),
  };
}
