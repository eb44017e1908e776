using System.CommandLine;
using Hospes.Builder;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Sources;
using Hospes.Cli.Initramfs;
using Hospes.Cli.Run;
using Hospes.Machine;
using Hospes.Vmm;

namespace Hospes.Cli.Demo;

/// <summary><c>hospes demo</c>: from nothing to a shell in a Debian guest, and back.</summary>
internal static class DemoCommand
{
    /// <summary>The kernel's command line: the serial port as console, and a reset at once when the kernel panics, which ends the demo.</summary>
    private const string CommandLine = "console=ttyS0 panic=-1";

    /// <summary>How long a guest without a person may take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<int> vcpus = RunCommand.Vcpus(whenAbsent: 2);
        Option<long> memory = MemorySize.Fixed();
        Option<string?> engine = RunCommand.Engine();
        Option<string?> script = OptionValue.Text("--script", "FILE", "Type the commands of this file, one a line, instead of giving you the shell.");
        Option<string?> name = OptionValue.Text("--image", "IMAGE", "What to boot; debian:12 when absent.");
        Option<Uri?> mirror = OptionValue.Create("--mirror", "URL", "Fetch from this Debian archive instead of the host's.", (string text, out Uri? value) =>
            ArchiveAddress.TryParse(text, out value) ? null : "is no http or https address");
        var command = new ManualCommand("demo", "boot Debian's kernel to a shell, and show how long it took", new ManualPage
        {
            Description =
            [
                "Fetches Debian's cloud kernel and a static busybox (see hospes image pull; the second run needs no network), makes a small root of them, boots it, "
                    + "and shows the boot. On a terminal the guest's shell is yours: 'exit' powers the guest off, Ctrl-] stops it. "
                    + "Without a terminal, or with --script, a few commands are typed into the shell and the guest is powered off.",
                "At the end stands how long each phase took.",
            ],
            ExitStatuses =
            [
                ("0", "The guest booted, had its shell, and powered off."),
                ("2", "Bad arguments, or the image could not be fetched; standard error says why and what to do."),
                ("3", "The guest reset itself, as its kernel does after a panic."),
                ("4", "A triple fault of the guest, a panic notice of its kernel, or a fault of Hospes."),
                ("5", $"The guest was not done after {Patience.TotalMinutes} minutes (without a person only)."),
                ("130, 143", "The person left with Ctrl-] or SIGINT, or the process got SIGTERM or SIGHUP."),
            ],
            Files = [("~/.cache/hospes", "Where the image is kept.")],
            Examples =
            [
                ("hospes demo", "Boot, and get a shell."),
                ("hospes demo --vcpus 1 </dev/null", "Boot with one processor and let the standard commands run."),
            ],
            SeeAlso = ["hospes image pull", "hospes run"],
        })
        { vcpus, memory, engine, script, name, mirror };
        command.SetAction(async (result, cancellation) =>
        {
            if (!ReadScript(result.GetValue(script)).Succeeded(out IReadOnlyList<string>? commands, out Failure? failure)) return surroundings.Fail(failure);
            if (!DebianRelease.Find(result.GetValue(name) ?? "debian:12").Succeeded(out DebianRelease? release, out failure)) return surroundings.Fail(failure);
            if (!ImageCommand.Store(surroundings).Succeeded(out ImageStore? store, out failure)) return surroundings.Fail(failure);
            var phases = new PhaseClock(surroundings.Clock);
            using var client = new ArchiveClient(TimeSpan.FromSeconds(1));
            var request = new PullRequest(release) { Mirror = result.GetValue(mirror) };
            if (!(await new ImagePull(surroundings, store, client).RunAsync(request, cancellation).ConfigureAwait(false)).Succeeded(out Image? image, out failure))
                return surroundings.Fail(failure);
            phases.End("fetch the image");
            if (!Root(store, image).Succeeded(out byte[]? root, out failure)) return surroundings.Fail(failure);
            if (!RunCommand.Read(store.PathOf(image, image.Kernel), initrd: null).Succeeded(out (BootPayload Kernel, BootPayload? Initrd) files, out failure)) return surroundings.Fail(failure);
            phases.End("make a small root");
            bool person = surroundings.InIsTerminal && result.GetValue(script) is null;
            var options = new VmmOptions
            {
                Engine = result.GetValue(engine) ?? EngineChoice.Auto,
                Machine = new MachineConfig { Memory = (ulong)result.GetValue(memory), Vcpus = result.GetValue(vcpus) },
                Kernel = files.Kernel,
                KernelName = image.Kernel.File,
                CommandLine = CommandLine,
                Initrd = BootPayload.FromBytes(root),
                Reboot = false,
                Timeout = person ? null : Patience,
            };
            int status = Boot(surroundings, options, phases, person ? null : commands);
            if (status != ExitStatus.BadRequest) phases.Show(surroundings);
            return status;
        });
        return command;
    }

    private static int Boot(Surroundings surroundings, VmmOptions options, PhaseClock phases, IReadOnlyList<string>? commands)
    {
        bool shell = false;
        bool leaving = false;
        var domain = new ForegroundDomain(surroundings, options) { Keyboard = commands is null };
        DemoScript? script = commands is null ? null : new DemoScript(commands, typed => domain.Type(typed), () =>
        {
            leaving = true;
            phases.End($"run {commands.Count} commands");
        });
        domain.Watch = console => new PromptWatcher(commands is null ? console : new CursorQueryFilter(console), InitScript.Prompt, () =>
        {
            if (!shell) phases.End("boot to a shell");
            shell = true;
            script?.OnPrompt();
        });
        domain.StageReached = stage =>
        {
            switch (stage)
            {
                case DomainStage.Created: phases.End("create an empty guest"); break;
                case DomainStage.Built: phases.End("build its memory"); break;
                case DomainStage.Ended: phases.End(leaving ? "power off" : shell ? "your shell" : "boot, until it ended"); break;
            }
        };
        return domain.Run();
    }

    private static Outcome<IReadOnlyList<string>> ReadScript(string? file)
    {
        if (file is null) return new Outcome<IReadOnlyList<string>>(DemoScript.Standard);
        try
        {
            return new Outcome<IReadOnlyList<string>>(DemoScript.Parse(File.ReadAllText(file)));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"--script '{file}' cannot be read ({fault.Message.TrimEnd('.')})", "name a file with one command a line");
        }
    }

    private static Outcome<byte[]> Root(ImageStore store, Image image)
    {
        try
        {
            using var output = new MemoryStream();
            InitramfsBuilder.Write(output, File.ReadAllBytes(store.PathOf(image, image.Busybox)), InitScript.Shell);
            return output.ToArray();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"the image {image.Name} cannot be read ({fault.Message.TrimEnd('.')})", $"fetch it anew with 'hospes image pull {image.Name} --refresh'");
        }
    }
}
