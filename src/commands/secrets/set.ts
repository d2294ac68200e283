import { Args } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base-command.ts';
import type { OperationContext } from '../../core/events.ts';
import { accountNames } from '../../operations/secrets/accounts.ts';
import { setSecrets } from '../../operations/secrets/set.ts';

export default class SecretsSet extends BaseCommand {
  static override summary =
    "Keep a cloud account's credentials, sealed; asked for without echo, or from the environment";
  static override description =
    'S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Snowflake: LAMBDACTL_SNOWFLAKE_USER, LAMBDACTL_SNOWFLAKE_PRIVATE_KEY ' +
    '(PEM or its path), LAMBDACTL_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE. What is not set is asked for on a terminal.';
  static override examples = [
    '<%= config.bin %> secrets set snowflake',
    'AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… <%= config.bin %> secrets set s3',
  ];
  static override args = {
    account: Args.string({ required: true, options: [...accountNames], description: 'Whose credentials' }),
  };

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, args } = await this.parse(SecretsSet);
    const account = accountNames.find((name) => name === args.account) ?? 's3';
    const ask = (question: string, { hidden }: { hidden: boolean }) => this.ask(question, hidden);
    const data = await setSecrets({ ...this.stackOf(flags), account, ask }, context);
    const register =
      data.publicKey === null
        ? ''
        : `\nRegister the public key once, as an administrator:\n  ALTER USER ${data.user} SET RSA_PUBLIC_KEY='${data.publicKey}';`;
    return { data, text: `${account} credentials of ${data.user} are sealed in ${data.file}.${register}` };
  }
}
