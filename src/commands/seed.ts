import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { seed } from '../operations/seed.ts';

export default class Seed extends BaseCommand {
  static override summary = 'Fill PostgreSQL with users, products and transaction history; again changes nothing';
  static override examples = [
    '<%= config.bin %> seed',
    '<%= config.bin %> seed --users 50000 --products 2000 --days 30',
  ];
  static override flags = withEnvironment({
    users: Flags.integer({ description: 'Users', default: 10_000, min: 1, max: 1_000_000 }),
    products: Flags.integer({ description: 'Products', default: 1000, min: 1, max: 100_000 }),
    days: Flags.integer({ description: 'Days of transaction history', default: 7, min: 0, max: 365 }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Seed);
    const { users, products, days } = flags;
    const data = await seed({ ...this.stackOf(flags), users, products, days }, context);
    const lines = data.tables.map(({ table, rows, written }) => `${table}: ${rows} rows (${written} written)`);
    return { data, text: lines.join('\n') };
  }
}
