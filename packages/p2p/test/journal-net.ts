import { type PeerId, silentLogger } from '@blyan/interface';
import { onTestFinished } from 'vitest';
import { type JournalPeers, NetworkJournal, type WirePart } from '../src/index.ts';

/** Journals of one process that are each other's peers. */
export class JournalNet {
  readonly clock = { now: 0, nowMs: () => this.clock.now };
  readonly journals = new Map<PeerId, NetworkJournal>();
  readonly dead = new Set<PeerId>();
  readonly log: string[] = [];
  /** Nobody answers. */
  isSilent = false;

  join(self: PeerId, shelfBytes?: number): NetworkJournal {
    const others = () => [...this.journals.keys()].filter((peerId) => peerId !== self);
    const at = (peerId: PeerId): NetworkJournal => {
      if (this.dead.has(peerId)) throw new Error('gone');
      return this.journals.get(peerId) as NetworkJournal;
    };
    const peers: JournalPeers = {
      backups: others,
      holders: others,
      put: async (peerId, parts) => {
        if (this.isSilent) await new Promise(() => {});
        this.log.push(`${self}>${peerId} ${parts.map(({ index }) => index)}`);
        const lost = ({ locator, index, bytes }: WirePart) => !at(peerId).kept.put(self, locator, index, bytes);
        return parts.filter(lost).map(({ locator }) => locator);
      },
      async *get(peerId, locator) {
        yield* at(peerId).partsOf(locator);
      },
      drop: async (peerId, locator) => at(peerId).kept.drop(self, locator),
    };
    const journal = new NetworkJournal({ self, peers, clock: this.clock, logger: silentLogger }, shelfBytes);
    onTestFinished(() => journal.stop(0));
    this.dead.delete(self);
    this.journals.set(self, journal);
    return journal;
  }

  kill(peerId: PeerId): void {
    this.dead.add(peerId);
  }
}
