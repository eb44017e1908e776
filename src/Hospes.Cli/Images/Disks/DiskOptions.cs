using System.CommandLine;
using System.Globalization;
using Hospes.Cli.CommandLine;
using Hospes.Storage;
using Hospes.Storage.Qcow2;

namespace Hospes.Cli.Images.Disks;

/// <summary>Options and arguments that several of the disk commands have.</summary>
internal static class DiskOptions
{
    public static Argument<string> File(string name, string description) => new(name) { HelpName = name.ToUpperInvariant(), Description = description };

    public static Option<ImageFormat?> Format(string name, string alias, string description) =>
        Short(alias, OptionValue.Create<ImageFormat?>(name, "FORMAT", description, static (string text, out ImageFormat? value) =>
        {
            bool known = ImageFormats.TryParse(text, out ImageFormat format);
            value = format;
            return known ? null : "is neither raw nor qcow2";
        }));

    public static Option<bool> Switch(string name, string alias, string description) => Short(alias, OptionValue.Switch(name, description));

    public static Option<T> Short<T>(string alias, Option<T> option)
    {
        option.Aliases.Add(alias);
        return option;
    }

    public static Option<int> ClusterSize() => OptionValue.Create("--cluster-size", "SIZE", "qcow2: the size of a cluster, 512 to 2M; 64K when absent.", static (string text, out int value) =>
    {
        bool read = TryParseSize(text, out long bytes) && bytes is >= 512 and <= 2 << 20 && long.IsPow2(bytes);
        value = read ? (int)bytes : 0;
        return read ? null : "is no power of two from 512 to 2M";
    }, 64 << 10);

    public static Option<int> Version() => OptionValue.Create("--compat", "VERSION", "qcow2: 0.10 (version 2) or 1.1 (version 3, the default).", static (string text, out int value) =>
    {
        value = text is "0.10" or "v2" ? 2 : 3;
        return text is "0.10" or "v2" or "1.1" or "v3" ? null : "is neither 0.10 nor 1.1";
    }, 3);

    public static Option<CompressionType> Compression() => OptionValue.Create("--compression", "TYPE", "qcow2: how clusters are compressed, zlib (the default) or zstd.", static (string text, out CompressionType value) =>
    {
        value = text == "zstd" ? CompressionType.Zstd : CompressionType.Zlib;
        return text is "zlib" or "zstd" ? null : "is neither zlib nor zstd";
    });

    public static Option<Preallocation> Preallocation() => OptionValue.Create("--preallocation", "MODE", "off (the default), metadata (qcow2: lay the clusters out) or falloc (reserve the host's space).", static (string text, out Preallocation value) =>
    {
        value = text switch { "metadata" => Storage.Preallocation.Metadata, "falloc" => Storage.Preallocation.Falloc, _ => Storage.Preallocation.Off };
        return text is "off" or "metadata" or "falloc" ? null : "is none of off, metadata and falloc";
    });

    /// <summary>Reads a size as <c>qemu-img</c> does: a bare number is bytes.</summary>
    public static bool TryParseSize(ReadOnlySpan<char> text, out long bytes) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out bytes) || (text.IndexOfAnyExceptInRange('0', '9') >= 0 && ByteSize.TryParse(text, out bytes));

    /// <summary>The format of a new image: as it is named, or as the file's name ends.</summary>
    public static Outcome<object> NewFormat(ImageFormat? given, string path, out ImageFormat format)
    {
        format = given ?? (path.EndsWith(".qcow2", StringComparison.OrdinalIgnoreCase) ? ImageFormat.Qcow2 : ImageFormat.Raw);
        if (given is not null || format == ImageFormat.Qcow2 || path.EndsWith(".raw", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".img", StringComparison.OrdinalIgnoreCase)) return new Outcome<object>(path);
        return new Failure(FailureKind.Arguments, $"the format of '{path}' is not given", "give --format, or a name that ends in .qcow2, .raw or .img");
    }

    /// <summary>A failure of the storage room in this room's words.</summary>
    public static Failure Words(StorageFailure failure) => new(
        failure.Error switch
        {
            StorageError.Cancelled => FailureKind.Interrupted,
            StorageError.BadSetting or StorageError.FormatNotGiven => FailureKind.Arguments,
            StorageError.Corrupt or StorageError.WrongFormat or StorageError.Unsupported => FailureKind.Format,
            StorageError.LibraryMissing => FailureKind.Host,
            _ => FailureKind.File,
        },
        failure.Cause,
        failure.Error == StorageError.FormatNotGiven ? "name the format with -f, if you know who wrote the first bytes: a guest can write any" : failure.Remedy);
}
