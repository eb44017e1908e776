using System.Diagnostics;

namespace Hospes.Storage.Tests.Kit;

/// <summary>A folder that ends with the test, and QEMU's tools run in it.</summary>
internal sealed class Scratch : IDisposable
{
    /// <summary>A file system in memory, where there is one: the images are made durable often, and tests need not wait for a disk each time.</summary>
    private const string Memory = "/dev/shm";

    /// <summary>A folder in memory or, when the test is about what a disk's file system does, on disk.</summary>
    public Scratch(bool onDisk = false) =>
        Path = !onDisk && Directory.Exists(Memory) ? Directory.CreateDirectory(System.IO.Path.Combine(Memory, $"hospes-storage-{Guid.NewGuid():n}")).FullName : Directory.CreateTempSubdirectory("hospes-storage-").FullName;

    public string Path { get; }

    public string At(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>Runs a program in the folder; the test fails when its status is another than expected.</summary>
    public string Run(string program, int status, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path };
        // Where e2fsprogs and its like are, which are not on every person's PATH.
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        string text = output + error.Result;
        process.ExitCode.ShouldBe(status, $"{program} {string.Join(' ', arguments)}\n{text}");
        return text;
    }

    public string QemuImg(params string[] arguments) => Run("qemu-img", 0, arguments);

    /// <summary>Writes with QEMU, each command as qemu-io takes it.</summary>
    public void QemuIo(string image, params string[] commands)
    {
        var arguments = new List<string> { "-f", "qcow2" };
        foreach (string command in commands) arguments.AddRange(["-c", command]);
        Run("qemu-io", 0, [.. arguments, image]);
    }

    /// <summary>QEMU finds nothing wrong, not even leaks.</summary>
    public void QemuFindsNothing(string image) => QemuImg("check", "-f", "qcow2", image);

    /// <summary>Opens an image, as qcow2 when nothing else is said.</summary>
    public IBlockImage Open(string name, bool readOnly = false, ImageFormat? format = ImageFormat.Qcow2, int cacheBytes = 16 << 20)
    {
        var opening = new ImageOpening { Format = format, ReadOnly = readOnly, Caches = new(cacheBytes, cacheBytes) };
        DiskImage.TryOpen(At(name), opening, out IBlockImage? image, out StorageFailure? failure).ShouldBeTrue(failure?.Message);
        return image!;
    }

    public StorageFailure Refusal(string name, ImageFormat? format = ImageFormat.Qcow2, bool readOnly = false)
    {
        if (!DiskImage.TryOpen(At(name), new ImageOpening { Format = format, ReadOnly = readOnly }, out IBlockImage? image, out StorageFailure? failure)) return failure;
        image.Dispose();
        throw new Xunit.Sdk.XunitException($"{name} was opened");
    }

    public void Create(string name, ImageCreation creation) =>
        ImageCreator.TryCreate(At(name), creation, null, out StorageFailure? failure).ShouldBeTrue(failure?.Message);
}

/// <summary>Bytes for tests.</summary>
internal static class Bytes
{
    public static byte[] Random(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static byte[] ReadAll(this IBlockImage image)
    {
        byte[] bytes = new byte[image.Size];
        image.Read(0, bytes).ShouldBe(StorageError.None);
        return bytes;
    }

    public static void Put(this IBlockImage image, long offset, byte[] data) => image.Write(offset, data).ShouldBe(StorageError.None);
}
