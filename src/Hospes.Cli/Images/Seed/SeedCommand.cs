using System.CommandLine;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Seed;

/// <summary><c>hospes image seed</c>: a disk that tells a guest who it is.</summary>
internal static class SeedCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<string?> output = OptionValue.Text("--output", "FILE", "Where to write the disk.");
        output.Required = true;
        var options = new SeedOptions();
        var command = new ManualCommand("seed", "make a disk that tells a guest its name and keys", new ManualPage
        {
            Description =
            [
                "Writes a seed disk in cloud-init's format NoCloud: an ISO 9660 volume labelled cidata, with meta-data and user-data. Guests with cloud-init read it on their first start, "
                    + "and so does the image of 'hospes image pull --rootfs'. 'hospes run' makes one by itself when it gets the same options.",
            ],
            ExitStatuses = [("0", "Done."), ("2", "Bad arguments, or a file that could not be read or written.")],
            Examples = [("hospes image seed --output seed.iso --hostname web1 --ssh-key ~/.ssh/id_ed25519.pub", "A name, and a key that may log in.")],
            SeeAlso = ["hospes run", "hospes image pull"],
        })
        { output };
        foreach (Option option in options.Options) command.Add(option);
        command.SetAction(result =>
        {
            if (!options.Read(result).Succeeded(out NoCloudSeed? seed, out Failure? failure)) return surroundings.Fail(failure);
            string file = result.GetRequiredValue(output)!;
            try
            {
                File.WriteAllBytes(file, seed.ToDisk(surroundings.Clock.GetUtcNow()));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return surroundings.Fail(new Failure(FailureKind.File, $"'{file}' cannot be written ({fault.Message.TrimEnd('.')})", "name another file with --output"));
            }

            return ExitStatus.Done;
        });
        return command;
    }
}
