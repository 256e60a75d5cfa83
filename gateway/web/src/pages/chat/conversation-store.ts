import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { type Conversation, merged } from './conversation.ts';
import { readConversation } from './read-conversation.ts';

/** Conversations that are kept; with one more the oldest is forgotten. */
export const MAX_CONVERSATIONS = 100;

const DATABASE = 'blyan-chat';

export type ConversationSummary = Pick<Conversation, 'id' | 'title' | 'updatedAt'>;

/** Where conversations outlive the page. */
export interface ConversationStore {
  /** The newest first. */
  list(): Promise<readonly ConversationSummary[]>;
  /** Null when it is not there, or cannot be read. */
  get(id: string): Promise<Conversation | null>;
  put(conversation: Conversation): Promise<void>;
  delete(id: string): Promise<void>;
  clear(): Promise<void>;
}

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  /** What the list shows, so that it need not read all that was ever said. */
  summaries: { key: string; value: ConversationSummary; indexes: { updatedAt: number } };
}

/** Conversations in this browser's IndexedDB. Every method throws `DOMException` where the browser keeps nothing. */
export class BrowserConversationStore implements ConversationStore {
  #opened: Promise<IDBPDatabase<Schema>> | undefined;

  async list(): Promise<readonly ConversationSummary[]> {
    const database = await this.#database();
    return (await database.getAllFromIndex('summaries', 'updatedAt')).reverse();
  }

  async get(id: string): Promise<Conversation | null> {
    return readConversation(await (await this.#database()).get('conversations', id));
  }

  async put(conversation: Conversation): Promise<void> {
    const transaction = (await this.#database()).transaction(['conversations', 'summaries'], 'readwrite');
    const conversations = transaction.objectStore('conversations');
    const summaries = transaction.objectStore('summaries');
    const { id } = conversation;
    const kept = readConversation(await conversations.get(id));
    const whole = kept === null ? conversation : merged(kept, conversation);
    await conversations.put(whole);
    await summaries.put({ id, title: whole.title, updatedAt: whole.updatedAt });
    let excess = (await summaries.count()) - MAX_CONVERSATIONS;
    let oldest = await summaries.index('updatedAt').openCursor();
    while (excess-- > 0 && oldest !== null) {
      await conversations.delete(oldest.value.id);
      await oldest.delete();
      oldest = await oldest.continue();
    }
    await transaction.done;
  }

  async delete(id: string): Promise<void> {
    const transaction = (await this.#database()).transaction(['conversations', 'summaries'], 'readwrite');
    await transaction.objectStore('conversations').delete(id);
    await transaction.objectStore('summaries').delete(id);
    await transaction.done;
  }

  async clear(): Promise<void> {
    const transaction = (await this.#database()).transaction(['conversations', 'summaries'], 'readwrite');
    await transaction.objectStore('conversations').clear();
    await transaction.objectStore('summaries').clear();
    await transaction.done;
  }

  #database(): Promise<IDBPDatabase<Schema>> {
    this.#opened ??= openDB<Schema>(DATABASE, 1, {
      upgrade(database) {
        database.createObjectStore('conversations', { keyPath: 'id' });
        database.createObjectStore('summaries', { keyPath: 'id' }).createIndex('updatedAt', 'updatedAt');
      },
      // Another window brings a newer version of the page.
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    });
    return this.#opened;
  }
}
