using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hospes.Builder;
using Hospes.Builder.Compression;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images;

/// <summary><c>hospes image inspect</c>: how a kernel would boot here, or why it would not.</summary>
internal static class InspectCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var kernel = new Argument<string>("kernel") { HelpName = "KERNEL", Description = "The kernel's file." };
        Option<bool> json = OptionValue.Switch("--json", "Write what was found as JSON.");
        var command = new ManualCommand("inspect", "say how a kernel would boot here", new ManualPage
        {
            Description =
            [
                "Reads a kernel's headers and unpacks it, loads nothing, and says in one sentence how it would boot here or why it would not. Below stands what was found.",
            ],
            ExitStatuses = [("0", "The kernel would boot here, given enough memory."), ("1", "It would not; the sentence says why and what to do."), ("2", "Bad arguments, or the file cannot be read.")],
            Examples = [("hospes image inspect /boot/vmlinuz-$(uname -r)", "Ask about this host's own kernel.")],
            SeeAlso = ["hospes run"],
        })
        { kernel, json };
        command.SetAction(result =>
        {
            string file = result.GetRequiredValue(kernel);
            if (!KernelInspector.TryReadFile(file, out byte[] bytes, out BuildFailure? failure))
                return surroundings.Fail(new Failure(FailureKind.File, $"'{file}': {BuildErrors.Cause(failure!.Error)}{(failure.Detail is null ? "" : $" ({failure.Detail.TrimEnd('.')})")}", BuildErrors.Remedy(failure.Error)));
            KernelReport report = KernelInspector.Inspect(bytes);
            if (result.GetValue(json)) surroundings.Out.WriteLine(JsonSerializer.Serialize(Finding(file, report), InspectJson.Default.KernelFinding));
            else Show(surroundings.Out, file, report);
            return report.Boots ? ExitStatus.Done : ExitStatus.No;
        });
        return command;
    }

    private static void Show(TextWriter output, string file, KernelReport report)
    {
        output.WriteLine($"{file}: {report.Summary}");
        Line("format", report.Format == KernelFormat.Unknown ? null : report.Format.ToString());
        Line("version", report.Version);
        Line("size", ByteSize.Format(report.FileSize));
        Line("whole file", report.FileCompression == CompressionFormat.None ? null : $"compressed with {report.FileCompression}");
        Line("payload", report.PayloadSize == 0 ? null : $"{ByteSize.Format(report.PayloadSize)}, {report.PayloadCompression}");
        Line("unpacked", report.UnpackedSize == 0 ? null : ByteSize.Format(report.UnpackedSize));
        Line("Linux protocol", report.LinuxProtocol);
        Line("PVH entry", report.PvhEntry is { } entry ? $"0x{entry:x}" : null);
        Line("entries", report.Offered.Count == 0 ? null : string.Join(", ", report.Offered.Select(KernelReport.Name)));
        Line("occupies", report.LoadEnd == 0 ? null : $"0x{report.LoadAddress:x} to 0x{report.LoadEnd - 1:x}");
        Line("command line", report.Boots ? $"up to {report.CommandLineLimit} bytes" : null);

        void Line(string name, string? value)
        {
            if (value is not null) output.WriteLine($"  {name,-15} {value}");
        }
    }

    private static KernelFinding Finding(string file, KernelReport report) => new(
        file, report.Boots, report.Summary, report.Failure?.Error, report.Format, report.Version, report.FileSize, report.PayloadCompression, report.UnpackedSize,
        report.LinuxProtocol, report.PvhEntry, report.Protocol, report.Offered, report.Entry, report.LoadAddress, report.LoadEnd);
}

/// <summary>What <c>hospes image inspect --json</c> writes. Addresses and sizes are numbers of bytes.</summary>
internal sealed record KernelFinding(
    string File, bool Boots, string Summary, BuildError? Error, KernelFormat Format, string? Version, long FileSize, CompressionFormat PayloadCompression, long UnpackedSize,
    string? LinuxProtocol, ulong? PvhEntry, BootProtocol? Protocol, IReadOnlyList<BootProtocol> Offered, ulong Entry, ulong LoadAddress, ulong LoadEnd);

/// <summary>The finding's serializer.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(KernelFinding))]
internal sealed partial class InspectJson : JsonSerializerContext;
